// What the page looks like under load, while its server is gone, and as one of two nodes, at a desk's width and a phone's, light and dark:
// `node scripts/screenshots.mjs [seconds]`, after a build; it needs nats-server. They are written to screenshots/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
// @boundaries-ignore brokers for tests are started in one place
import { start_nats } from '../../../scripts/brokers.mjs'
import { start_browser, start_server } from './programs.mjs'

const [seconds = '24'] = process.argv.slice(2)
const FOLDER = fileURLToPath(new URL('../screenshots/', import.meta.url))
const WIDTHS = [
  { name: 'desktop', width: 1280, height: 800, mobile: false },
  { name: 'phone', width: 390, height: 844, mobile: true },
]

mkdirSync(FOLDER, { recursive: true })
await at_one_server()
await at_two_nodes()

async function at_one_server() {
  const server = await start_server()
  const browser = await start_browser(server.url)
  const other = await start_browser(server.url)
  try {
    await other.run(say_hello)
    await browser.run(load, Number(seconds) * 1000)
    await photograph(browser, '')
    server.end()
    await browser.run(lose)
    await photograph(browser, '-reconnecting')
  } finally {
    await browser.end()
    await other.end()
    server.end()
  }
}

async function at_two_nodes() {
  const broker = await start_nats()
  const cluster = ['--cluster', broker.url]
  const servers = [await start_server(...cluster), await start_server(...cluster)]
  const [browser, other] = await Promise.all(servers.map(({ url }) => start_browser(url)))
  try {
    await other.run(say_hello)
    await browser.run(answer)
    await photograph(browser, '-nodes')
    await broker.close()
    await browser.run(be_alone)
    await photograph(browser, '-alone')
  } finally {
    await browser.end()
    await other.end()
    for (const server of servers) server.end()
    await broker.close()
  }
}

async function photograph(browser, what) {
  for (const { name, width, height, mobile } of WIDTHS)
    for (const scheme of ['light', 'dark']) {
      const metrics = { width, height, mobile, deviceScaleFactor: mobile ? 2 : 1 }
      await browser.command('Emulation.setDeviceMetricsOverride', metrics)
      const features = [{ name: 'prefers-color-scheme', value: scheme }]
      await browser.command('Emulation.setEmulatedMedia', { features })
      await browser.run(frames, 90)
      const { data } = await browser.command('Page.captureScreenshot', { captureBeyondViewport: mobile })
      const file = `${name}${what}-${scheme}.png`
      writeFileSync(`${FOLDER}${file}`, Buffer.from(data, 'base64'))
      console.log(`screenshots/${file}`)
    }
}

/** Runs in the other page: somebody else is here. */
async function say_hello() {
  const by_id = id => document.getElementById(id)
  while (by_id('state')?.textContent !== 'open' || by_id('people').children.length < 2)
    await new Promise(resolve => setTimeout(resolve, 50))
  by_id('chat_text').value = 'I see your cursor'
  by_id('chat_form').requestSubmit()
  for (let i = 0; i < 7; i += 1)
    by_id('space').dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', cancelable: true }))
}

/** Runs in the page: waits for somebody at the other node, and answers. */
async function answer() {
  const by_id = id => document.getElementById(id)
  while (!by_id('chat').textContent.includes('I see')) await new Promise(resolve => setTimeout(resolve, 50))
  by_id('chat_text').value = 'And I see yours, from here'
  by_id('chat_form').requestSubmit()
}

/** Runs in the page: waits until its node is alone, and the other one forgotten. */
async function be_alone() {
  while (document.querySelector('#nodes a') !== null) await new Promise(resolve => setTimeout(resolve, 50))
}

/** Runs in the page: a load, more of it after half of the time, and at the end a server that reads slowly, until the queue is full. */
async function load(for_ms) {
  const by_id = id => document.getElementById(id)
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
  while (by_id('state')?.textContent !== 'open') await wait(50)
  const send = (field, text) => {
    by_id(`${field}_text`).value = text
    by_id(`${field}_form`).requestSubmit()
  }
  send('say', 'hello')
  send('chat', 'And I see yours')
  for (const [key, times] of [
    ['ArrowLeft', 5],
    ['ArrowDown', 4],
  ])
    for (let i = 0; i < times; i += 1)
      by_id('space').dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }))
  const set_rate = position => {
    by_id('rate').value = position
    by_id('rate').dispatchEvent(new Event('input'))
  }
  document.querySelector('input[value="1024"]').click()
  set_rate(24)
  by_id('run').click()
  await wait(for_ms / 2)
  set_rate(29)
  await wait(for_ms / 2)
  by_id('slow').click()
  while (by_id('path').dataset.full !== 'true') await wait(50)
  await wait(1_000)
}

/** Runs in the page: waits until the server is gone, and attempts fail, while the load goes on. */
async function lose() {
  while (!/[2-9] in/.test(document.getElementById('path_wait').textContent))
    await new Promise(resolve => setTimeout(resolve, 50))
}

/** Runs in the page: waits until it was drawn that often. */
async function frames(count) {
  for (let i = 0; i < count; i += 1) await new Promise(requestAnimationFrame)
}
