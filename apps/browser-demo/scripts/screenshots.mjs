// Takes screenshots of the page under load, without its server, and as one of two nodes, on a desktop and a
// phone, light and dark: `node scripts/screenshots.mjs [seconds] [frames]`, after a build. It needs
// nats-server. The files are in screenshots/. The load lasts `seconds`, and each screenshot is taken after
// `frames` frames.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect } from '@bt/net'
import { start_nats } from '@bt/test-support/brokers'
import { start_browser, start_server } from './programs.mjs'

const [seconds = '24', frames = '90'] = process.argv.slice(2)
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
  try {
    await browser.run(is_open)
    await greet(server)
    await browser.run(answer, 'And I see yours')
    await browser.run(load, Number(seconds) * 1000)
    await take_screenshots(browser, '')
    server.end()
    await browser.run(lose)
    await take_screenshots(browser, '-reconnecting')
  } finally {
    await browser.end()
    server.end()
  }
}

async function at_two_nodes() {
  const broker = await start_nats()
  const cluster = ['--cluster', broker.url]
  const [server, other] = await Promise.all([start_server(...cluster), start_server(...cluster)])
  const browser = await start_browser(server.url)
  try {
    await browser.run(is_open)
    await greet(other)
    await browser.run(answer, 'And I see yours, from here')
    await take_screenshots(browser, '-nodes')
    await broker.close()
    await browser.run(be_alone)
    await take_screenshots(browser, '-alone')
  } finally {
    await browser.end()
    server.end()
    other.end()
    await broker.close()
  }
}

/** Connects another person, who sends a chat line and a cursor, and stays until the server ends. */
async function greet({ url }) {
  const { ws_url } = await (await fetch(new URL('server.json', url))).json()
  const ws = connect({ type: 'ws', url: ws_url, on_message: () => {} })
  ws.send(JSON.stringify({ type: 'chat', text: 'I see your cursor' }))
  ws.send(JSON.stringify({ type: 'cursor', place: { x: 0.7, y: 0.5 } }))
  await ws.drained()
}

async function take_screenshots(browser, state) {
  for (const { name, width, height, mobile } of WIDTHS)
    for (const scheme of ['light', 'dark']) {
      const metrics = { width, height, mobile, deviceScaleFactor: mobile ? 2 : 1 }
      await browser.command('Emulation.setDeviceMetricsOverride', metrics)
      const features = [{ name: 'prefers-color-scheme', value: scheme }]
      await browser.command('Emulation.setEmulatedMedia', { features })
      await browser.run(draw, Number(frames))
      const options = { captureBeyondViewport: mobile, optimizeForSpeed: true }
      const { data } = await browser.command('Page.captureScreenshot', options)
      const file = `${name}${state}-${scheme}.png`
      writeFileSync(`${FOLDER}${file}`, Buffer.from(data, 'base64'))
      console.log(`screenshots/${file}`)
    }
}

/** Runs in the page: waits until it is connected. */
async function is_open() {
  while (document.getElementById('state')?.textContent !== 'open')
    await new Promise(resolve => setTimeout(resolve, 50))
}

/** Runs in the page: waits for the chat line of another person, and answers. */
async function answer(text) {
  const by_id = id => document.getElementById(id)
  while (!by_id('chat').textContent.includes('I see')) await new Promise(resolve => setTimeout(resolve, 50))
  by_id('chat_text').value = text
  by_id('chat_form').requestSubmit()
}

/** Runs in the page: waits until it no longer shows the other node. */
async function be_alone() {
  while (document.querySelector('#nodes a') !== null) await new Promise(resolve => setTimeout(resolve, 50))
}

/**
 * Runs in the page: starts a load, increases it after half of the time, and then makes the server read slowly
 * until the queue is full.
 */
async function load(for_ms) {
  const by_id = id => document.getElementById(id)
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
  by_id('say_text').value = 'hello'
  by_id('say_form').requestSubmit()
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
  await wait(for_ms / 24)
}

/** Runs in the page: waits until a reconnect has failed, while the load continues. */
async function lose() {
  const by_id = id => document.getElementById(id)
  const wait_text = () => by_id('path_wait').textContent
  while (!/[2-9] in/.test(wait_text())) {
    if (/1 in/.test(wait_text())) by_id('again').click()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Runs in the page: waits for `count` frames. */
async function draw(count) {
  for (let i = 0; i < count; i += 1) await new Promise(requestAnimationFrame)
}
