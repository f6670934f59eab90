import { type Broker, start_nats, start_redis } from '@bt/test-support/brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EVENT_TIMEOUT_MS, use_browser } from './browser.ts'
import { low_contrasts } from './contrast.ts'
import { type RunningServer, run, start_server } from './program.ts'
import { type RunningService, serve_page } from './service.ts'

async function also_end(starting: Promise<Broker>): Promise<Broker> {
  const broker = await starting
  onTestFinished(() => broker.close())
  return broker
}

function start_node(broker: Broker): Promise<RunningServer> {
  return start_server('127.0.0.1:0', '127.0.0.1:0', '--cluster', broker.url)
}

/** Starts two nodes, the second one as a process of its own. */
function start_nodes(broker: Broker): Promise<[RunningService, RunningServer]> {
  return Promise.all([serve_page(undefined, broker.url), start_node(broker)])
}

/** Starts two nodes in this process. */
function serve_nodes(broker: Broker): Promise<[RunningService, RunningService]> {
  return Promise.all([serve_page(undefined, broker.url), serve_page(undefined, broker.url)])
}

/**
 * Most of the time after which a page drops a silent node; running nodes announce themselves each second.
 */
const MOST_OF_SILENCE_MS = 4_000

/** Returns the name of a node. */
function name_of({ ws_url }: { readonly ws_url: string }): string {
  return new URL(ws_url).port
}

describe('tabs at different nodes', { timeout: 90_000 }, () => {
  const open_page = use_browser()

  it.each([
    ['NATS', start_nats],
    ['Redis', start_redis],
  ])('see the people, chat and cursors of each other through %s', async (name, start) => {
    const broker = await also_end(start())
    const [here, there] = await start_nodes(broker)
    const one = await open_page(here.url)
    const other = await open_page(there.url)
    await one.shows('server_name', `Node ${name_of(here)}`)
    await other.shows('server_name', `Node ${name_of(there)}`)
    await one.shows('together_note', `through ${name}`)
    for (const [demo, server] of [
      [one, there],
      [other, here],
    ] as const) {
      await demo.shows('people_count', '2 here')
      await demo.shows('people', ` · ${name_of(server)}`)
      await demo.shows('nodes', `node ${name_of(server)}: 1 here`)
      expect(await demo.page.getAttribute('#nodes a', 'href')).toBe(server.url)
    }
    await one.type_line('chat_text', 'hello over there')
    await other.shows('chat', 'hello over there')
    await other.shows('chat', ` · ${name_of(here)} hello`)
    await other.page.focus('#space')
    await other.page.keyboard.press('ArrowRight')
    await one.shows('space', ` · ${name_of(there)}`)
    const before = (await one.cursor_x()) ?? 0
    for (let i = 0; i < 5; i += 1) await other.page.keyboard.press('ArrowRight')
    await expect.poll(() => one.cursor_x(), { timeout: EVENT_TIMEOUT_MS }).toBeGreaterThan(before + 20)
    const third = await open_page(there.url)
    await one.shows('people_count', '3 here')
    await one.shows('nodes', `node ${name_of(there)}: 2 here`)
    await one.shows('chat', 'joined')
    await third.shows('people_count', '3 here')
    await other.page.close()
    await one.shows('people_count', '2 here')
    await one.shows('chat', 'left')
    expect([...one.logged, ...third.logged]).toEqual([])
  })

  it('see people of a killed node leave, and return with it', async () => {
    const broker = await also_end(start_nats())
    const [here, there] = await start_nodes(broker)
    const one = await open_page(here.url)
    await open_page(there.url)
    await one.shows('people_count', '2 here')
    await there.program.kill()
    await one.put_forward(MOST_OF_SILENCE_MS)
    await one.shows('people_count', '1 here')
    await one.shows('chat', 'left')
    await expect.poll(() => one.page.locator('#nodes a').count()).toBe(0)
    await serve_page(there, broker.url)
    await one.shows('people_count', '2 here')
    expect(one.logged).toEqual([])
  })

  it('show that the broker is down, keep working with their own node, and rejoin afterwards', async () => {
    const broker = await also_end(start_nats())
    const [here, there] = await serve_nodes(broker)
    const [one, neighbour, other] = [
      await open_page(here.url),
      await open_page(here.url),
      await open_page(there.url),
    ]
    await one.shows('people_count', '3 here')
    await broker.kill()
    for (const demo of [one, neighbour, other]) await demo.shows('together_note', 'alone: NATS at ')
    await one.shows('summary', `Node ${name_of(here)} is alone`)
    for (const demo of [one, other]) await demo.put_forward(MOST_OF_SILENCE_MS)
    await one.shows('people_count', '2 here')
    await other.shows('people_count', '1 here')
    await one.type_line('chat_text', 'only us')
    await neighbour.shows('chat', 'only us')
    await broker.start()
    await one.shows('together_note', 'through NATS')
    await one.shows('people_count', '3 here')
    await other.type_line('chat_text', 'together again')
    await one.shows('chat', 'together again')
    expect([...one.logged, ...neighbour.logged, ...other.logged]).toEqual([])
  })

  it('show nodes that fit each width, have enough contrast and size, and keep the focus', async () => {
    const broker = await also_end(start_nats())
    const [here, there] = await serve_nodes(broker)
    const one = await open_page(here.url)
    const other = await open_page(there.url)
    await one.shows('people_count', '2 here')
    await other.type_line('chat_text', 'hello')
    await one.shows('chat', 'hello')
    const { page } = one
    const link = page.locator('#nodes a')
    for (const width of [320, 390, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
      expect(
        await page.evaluate(() =>
          [...document.querySelectorAll('.top, .card')]
            .filter(box => box.scrollWidth > box.clientWidth)
            .map(({ className }) => className),
        ),
      ).toEqual([])
      expect((await link.boundingBox())?.height).toBeGreaterThanOrEqual(width < 760 ? 44 : 40)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        expect(await page.evaluate(low_contrasts)).toEqual([])
      }
    }
    await link.focus()
    await open_page(there.url)
    await one.shows('nodes', `node ${name_of(there)}: 2 here`)
    expect(await link.evaluate(target => target === document.activeElement)).toBe(true)
    expect(one.logged).toEqual([])
  })

  it('work without the broker, which the page and its server report', async () => {
    const unreachable = 'nats://127.0.0.1:1'
    const { program, url } = await start_server('127.0.0.1:0', '127.0.0.1:0', '--cluster', unreachable)
    const one = await open_page(url)
    await one.shows('together_note', 'alone: NATS at 127.0.0.1:1 is away')
    expect(program.stderr).toContain('NATS at 127.0.0.1:1 cannot be reached')
  })

  it('show no nodes with a single server', async () => {
    const { url } = await serve_page()
    const one = await open_page(url)
    await one.shows('together_note', 'every tab sees the others')
    expect(await one.page.textContent('#server_name')).toBe('Server')
    expect(await one.page.isVisible('#nodes')).toBe(false)
  })
})

describe('the program as a node', () => {
  it('prints its own name, and how to start another node', async () => {
    const broker = await also_end(start_nats())
    const { program, ws_url } = await start_node(broker)
    expect(program.stdout).toContain(
      `it is node ${new URL(ws_url).port} of the cluster on NATS at ${broker.address}`,
    )
  })

  it.each(['http://127.0.0.1', 'nonsense'])(
    'rejects %s as a broker, and lists the supported ones',
    async url => {
      const { code, stderr } = await run(['--cluster', url])
      expect(code).toBe(1)
      expect(stderr).toContain('Give nats://host:port or redis://host:port')
    },
  )
})
