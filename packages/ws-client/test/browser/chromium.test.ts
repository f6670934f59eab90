import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { port_cases, WsPeer } from '@bt/ws-protocol/testing'
import type { Browser, Page } from 'playwright-core'
import { build, type Rolldown } from 'vite'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
// @boundaries-ignore the browser of the tests is started in one place for all packages
import { launch_chromium } from '../../../../chromium.shared.ts'
import { package_config } from '../../../../vitest.shared.ts'
import { start_ws_server, stop_all } from '../echo_server.js'

/** Bundles a file of this folder, as a page's `type="module"` script. */
async function bundled(name: string): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'warn',
    ...(package_config.resolve === undefined ? {} : { resolve: package_config.resolve }),
    build: {
      write: false,
      minify: false,
      rolldownOptions: { input: fileURLToPath(new URL(name, import.meta.url)) },
    },
  })) as Rolldown.RolldownOutput
  return built.output[0].code
}

let browser: Browser
let origin: string
const scripts = new Map<string, string>()
const http = createServer((request, response) => {
  const script = scripts.get(request.url ?? '')
  response.setHeader('Content-Type', script === undefined ? 'text/html' : 'text/javascript')
  response.end(
    script ??
      `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${request.url}.js"></script>`,
  )
})

beforeAll(async () => {
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  ;[browser] = await Promise.all([
    launch_chromium(),
    bundled('port_page.ts').then(code => scripts.set('/port_page.js', code)),
  ])
})

afterAll(async () => {
  await browser.close()
  http.close()
})

afterEach(stop_all)

/** What a page has said on its console, or thrown. */
function complaints_of(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(String(error)))
  return complaints
}

describe('WebSocketPort in Chromium', () => {
  let page: Page
  let complaints: string[]
  const peers = new Map<number, Promise<WsPeer>>()

  beforeAll(async () => {
    page = await browser.newPage()
    complaints = complaints_of(page)
    await page.exposeFunction('make_peer', async () => {
      const id = peers.size
      let accepted!: (peer: WsPeer) => void
      peers.set(id, new Promise(resolve => (accepted = resolve)))
      const { url } = await start_ws_server(ws => accepted(new WsPeer(ws)))
      return { id, url }
    })
    await page.exposeFunction('call_peer', async (id: number, call: keyof WsPeer, ...args: unknown[]) => {
      const peer = await (peers.get(id) as Promise<WsPeer>)
      const given = args.map(arg => (Array.isArray(arg) ? Uint8Array.from(arg) : arg))
      const returned = await (peer[call] as ((...args: unknown[]) => unknown) | undefined)?.apply(peer, given)
      const to_wire = (data: unknown): unknown => (data instanceof Uint8Array ? [...data] : data)
      return Array.isArray(returned) ? returned.map(to_wire) : returned
    })
    await page.goto(`${origin}/port_page`)
    await page.waitForFunction(() => 'run_port_case' in window)
  })

  it.each(port_cases.map(({ name }) => name))('%s', async name => {
    await page.evaluate(name => window.run_port_case(name), name)
    expect(complaints).toEqual([])
  })
})
