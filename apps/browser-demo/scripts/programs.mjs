import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { connect } from '@bt/net'
import { CHROMIUM_ENV, CHROMIUM_FLAGS } from '@bt/test-support/chromium'
import { CHROMIUM, path_of } from '@bt/test-support/programs'

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))

/** Starts the demo's server on free ports; `more` holds further arguments. */
export async function start_server(...more) {
  const args = [MAIN, '--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0', ...more]
  const server = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  end_with_this(server)
  const [, url] = await line_with(server.stdout, /open (http:\S+)/)
  return { url, end: () => server.kill('SIGINT') }
}

/**
 * Opens a page in a new headless browser, and controls it by the DevTools protocol. Its Network domain stays
 * off, as it would report every message of the page's connection, and slow the measurement down.
 */
export async function start_browser(url) {
  const profile = mkdtempSync(join(tmpdir(), 'browser-demo-'))
  const own = ['--headless=new', '--window-size=1280,943', '--remote-debugging-port=0']
  const args = [...CHROMIUM_FLAGS, ...own, `--user-data-dir=${profile}`, url]
  const browser = spawn(path_of(CHROMIUM), args, { env: CHROMIUM_ENV, stdio: ['ignore', 'ignore', 'pipe'] })
  end_with_this(browser)
  const [, host] = await line_with(browser.stderr, /DevTools listening on ws:\/\/([^/]+)/)
  const page = await talk_to(await page_debugger(host, url))
  while (!(await page.run(is_loaded, url).catch(not_yet))) await wait(50)
  const end = async () => {
    const closed = once(browser, 'close')
    // A browser that is killed leaves its folders behind.
    await page.command('Browser.close').catch(() => browser.kill())
    await closed
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  return { ...page, end }
}

async function page_debugger(host, url) {
  for (;;) {
    const targets = await (await fetch(`http://${host}/json/list`)).json()
    const page = targets.find(target => target.type === 'page' && target.url === url)
    if (page) return page.webSocketDebuggerUrl
    await wait(50)
  }
}

/** A page that is controlled by the DevTools protocol. */
async function talk_to(url) {
  const ws = connect({ type: 'ws', url, max_payload: 64 * 1024 * 1024 })
  const answers = new Map()
  let last_id = 0
  ws.on_message(text => {
    const { id, result, error } = JSON.parse(text)
    const { resolve, reject } = answers.get(id) ?? {}
    answers.delete(id)
    if (error) reject?.(new Error(error.message))
    else resolve?.(result)
  })
  const command = (method, params = {}) =>
    new Promise((resolve, reject) => {
      last_id += 1
      answers.set(last_id, { resolve, reject })
      const sent = ws.send(JSON.stringify({ id: last_id, method, params }))
      if (sent !== true) reject(sent)
    })
  // A browser that has crashed does not answer any more.
  ws.on_close(({ code, cause }) => {
    for (const { reject } of answers.values())
      reject(new Error(`the browser has disconnected (code ${code}, cause ${cause})`))
  })
  /** Runs a function in the page, and resolves to its result. */
  const run = async (fn, ...args) => {
    const expression = `(${fn})(...${JSON.stringify(args)})`
    const params = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await command('Runtime.evaluate', params)
    if (exceptionDetails) throw new Error(exceptionDetails.exception.description)
    return result.value
  }
  const end = async () => {
    ws.close()
    await ws.closed
  }
  return { command, run, end }
}

/** Stops all programs when a script fails. */
function end_with_this(program) {
  process.once('exit', () => program.kill())
}

const is_loaded = url => document.URL === url && document.readyState === 'complete'

// A page that is not loaded yet cannot run scripts.
const not_yet = () => false

const wait = ms => new Promise(resolve => setTimeout(resolve, ms))

async function line_with(stream, pattern) {
  for await (const line of createInterface({ input: stream })) {
    const found = pattern.exec(line)
    if (!found) continue
    // Later output must not fill the pipe.
    stream.resume()
    return found
  }
  throw new Error(`the program ended before it printed ${pattern}`)
}
