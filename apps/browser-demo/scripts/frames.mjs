// Measures the page's frame rate while it receives messages: `node scripts/frames.mjs [seconds] [rate]`,
// after a build.
import { start_browser, start_server } from './programs.mjs'

const [seconds = '10', rate = '20000'] = process.argv.slice(2)

const server = await start_server()
const browser = await start_browser(server.url)
try {
  const figures = await browser.run(measure, Number(seconds), Number(rate))
  for (const [name, value] of Object.entries(figures)) console.log(`${name.padEnd(24)} ${value.toFixed(1)}`)
} finally {
  await browser.end()
  server.end()
}

/** Runs in the page: starts the feed, lets it settle, and measures. */
async function measure(seconds, rate) {
  const settle_ms = 3_000
  const by_id = id => document.getElementById(id)
  const wait = ms => new Promise(resolve => setTimeout(resolve, ms))

  while (by_id('state')?.textContent !== 'open') await wait(50)
  document.querySelector('input[value="feed"]').click()
  const slider = by_id('rate')
  for (let position = Number(slider.max); position >= 0; position -= 1) {
    slider.value = position
    slider.dispatchEvent(new Event('input'))
    if (Number(by_id('rate_text').textContent.replaceAll(/\D/g, '')) <= rate) break
  }
  by_id('run').click()
  await wait(settle_ms)

  const { dataset } = by_id('frames')
  const times = []
  const received = []
  const started_ms = performance.now()
  let last_ms
  for (;;) {
    const at_ms = await new Promise(requestAnimationFrame)
    if (last_ms !== undefined) times.push(at_ms - last_ms)
    last_ms = at_ms
    received.push(Number(dataset.received))
    if (at_ms - started_ms > seconds * 1000) break
  }
  const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length
  const rate_received = mean(received)
  const mean_ms = mean(times)
  times.sort((a, b) => a - b)
  const part = p => times[Math.max(0, Math.ceil(times.length * p) - 1)]
  return {
    'frames a second': 1000 / mean_ms,
    'frame time p50, ms': part(0.5),
    'frame time p99, ms': part(0.99),
    'longest frame, ms': part(1),
    'messages a second': rate_received,
  }
}
