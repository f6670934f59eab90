import { describe, expect, it } from 'vitest'
import { type Demo, EVENT_TIMEOUT_MS, hold_waits, use_browser } from './browser.ts'
import { start_server } from './program.ts'
import { serve_page, share_service } from './service.ts'

/**
 * A killed process may reset a connection that is being opened, before its port refuses connections.
 */
const IMPOSSIBLE = expect.stringMatching(
  /WebSocket connection to .* failed: .*ERR_CONNECTION_(?:REFUSED|RESET)/,
)

describe('the page after a lost connection', () => {
  const open_page = use_browser()
  const shared_service = share_service()

  it('reconnects by itself after the wire was cut', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.page.click('#cut')
    await demo.shows('log', 'lost: code 1006, cause network, not clean')
    await demo.shows('log', 'open again at attempt 1')
    await demo.shows('last_error', 'connection_lost: ')
    await demo.type_line('say_text', 'again')
    await demo.shows('log', '← again')
    expect(await demo.page.textContent('#end_code')).toBe('–')
    expect(demo.logged).toEqual([])
  })

  it('shows how the connection was lost, the next attempt and the queue, which then arrives in order and once', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.page.click('#cut')
    expect(await demo.ending()).toEqual({
      code: '1006',
      cause: 'network',
      clean: 'no',
      reason: 'none given',
    })
    await demo.shows('state', 'reconnecting')
    await demo.shows('path_wait', 'Attempt 1 ')
    await demo.shows('story', 'broke without a Close. Attempt 1 ')
    const lines = ['one', 'two', 'three', 'four']
    for (const line of lines) await demo.type_line('say_text', line)
    await demo.shows('log', '→ four')
    await demo.shows('queued', '135 B')
    await demo.shows('story', '135 B wait in the queue')
    await demo.page.click('#again')
    await demo.shows('log', 'open again at attempt 1; 135 B that waited go out')
    await demo.shows('log', '← four')
    expect(await demo.echoed()).toEqual(lines)
    await demo.shows('queued', '0 B')
    await demo.page.waitForSelector('#again', { state: 'hidden' })
    expect(demo.logged).toEqual([])
  })

  it('shows the close code of the server, and a queued chat line', async () => {
    const { url } = await serve_page()
    const other = await open_page(url)
    const demo = await open_page(url, {}, hold_waits)
    await demo.shows('you', 'you are Heron')
    await demo.page.click('#server_close')
    expect(await demo.ending()).toEqual({
      code: '4002',
      cause: 'peer',
      clean: 'yes',
      reason: 'the server closed, as you asked',
    })
    await demo.shows('people_count', 'not connected')
    await other.shows('chat', 'Heron left')
    await demo.type_line('chat_text', 'back soon')
    await demo.shows('chat', 'Heron back soon')
    await demo.page.click('#again')
    await other.shows('chat', 'Heron back soon')
    await demo.shows('people_count', '2 here')
    expect([...demo.logged, ...other.logged]).toEqual([])
  })

  it('reconnects by itself when the server returns, and sends the queue', async () => {
    const server = await start_server()
    const { program, url } = server
    const demo = await open_page(url)
    await program.kill()
    await demo.shows('log', 'not open: code 1006, cause refused')
    await demo.type_line('say_text', 'are you there?')
    expect(await demo.ending()).toMatchObject({ code: '1006', cause: 'network' })
    await serve_page(server)
    await demo.shows('log', '← are you there?')
    await demo.shows('state', 'open')
    expect(await demo.echoed()).toEqual(['are you there?'])
    // Only the browser itself reports failed connections on its console.
    expect(demo.logged).toEqual(demo.logged.map(() => IMPOSSIBLE))
  })

  it('logs all failed attempts in one line', async () => {
    const service = await serve_page()
    const demo = await open_page(service.url, {}, hold_waits)
    await service.end()
    for (let attempt = 1; attempt <= 5; attempt += 1) await fail(demo, attempt)
    await demo.shows('last_error', 'handshake_failed: ')
    expect(await demo.page.locator('#log li', { hasText: 'not open: ' }).count()).toBe(1)
    expect(await demo.page.locator('#log li', { hasText: 'handshake_failed' }).count()).toBe(0)
    expect(await demo.page.textContent('#end_cause')).toBe('network')
  })

  it('gets Close 1012 with a delay from a stopping server, and reconnects at once when asked to', async () => {
    const server = await start_server()
    const { program, url } = server
    const demo = await open_page(url, {}, hold_waits)
    program.child.kill('SIGTERM')
    const { reason, ...ending } = await demo.ending()
    expect(ending).toEqual({ code: '1012', cause: 'peer', clean: 'yes' })
    expect(reason).toMatch(/^the server stops; retry_after_ms=\d+$/)
    await demo.shows('story', 'The server was stopped, and closed in order. Attempt 1 ')
    expect(await program.exit).toEqual({ code: 0, signal: null })
    await serve_page(server)
    await demo.page.context().setOffline(true)
    await demo.type_line('say_text', 'welcome back')
    await demo.shows('log', '→ welcome back')
    await demo.shows('state', 'reconnecting')
    await demo.page.context().setOffline(false)
    await demo.page.click('#again')
    await demo.shows('log', '← welcome back')
    await demo.shows('state', 'open')
    expect(demo.logged).toEqual([])
  })

  it('stays connected while the network is down, and then gets the messages sent meanwhile', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.page.context().setOffline(true)
    await demo.type_line('say_text', 'still here')
    await demo.shows('log', '→ still here')
    await demo.page.context().setOffline(false)
    await demo.shows('log', '← still here')
    await demo.shows('state', 'open')
    expect(await demo.page.textContent('#log')).not.toContain('lost:')
    expect(demo.logged).toEqual([])
  })

  it('gives up when asked to, and counts unsent messages', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.page.click('#cut')
    await demo.shows('state', 'reconnecting')
    // A ping may have been pending.
    const lost = Number.parseInt((await demo.page.textContent('#end_unsent')) ?? '', 10)
    for (const line of ['one', 'two']) await demo.type_line('say_text', line)
    await demo.shows('log', '→ two')
    await demo.page.click('#connect')
    await demo.shows('state', 'closed')
    expect(await demo.ending()).toMatchObject({ cause: 'local', clean: 'no' })
    await demo.shows('end_unsent', `${lost + 2} messages`)
    await demo.shows('story', 'gave up before the connection was open')
    await demo.page.waitForSelector('#again', { state: 'hidden' })
    await demo.type_line('say_text', 'too late')
    await demo.shows('log', 'not sent, closed')
    await demo.page.click('#connect')
    await demo.shows('state', 'open')
    await demo.type_line('say_text', 'three')
    await demo.shows('log', '← three')
    expect(await demo.echoed()).toEqual(['three'])
    expect(demo.logged).toEqual([])
  })

  it('continues its load: the queue fills without a connection, and drains afterwards', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.set_load('echo', '1024', 2_000)
    await demo.page.click('#run')
    await demo.shows('log', '⇄ load:')
    await demo.page.click('#cut')
    await demo.shows('state', 'reconnecting')
    await demo.shows('story', 'the queue is full')
    await demo.is_full(true)
    await demo.page.click('#run')
    await demo.page.click('#again')
    await demo.is_full(false)
    await demo.shows('queued', '0 B')
    await demo.shows('log', ' that waited go out')
    expect(demo.logged).toEqual([])
  })

  it('repeats its requests to the server', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.page.check('#slow')
    await demo.set_load('feed', '64', 1_000)
    await demo.page.click('#run')
    await is_fed(demo)
    await demo.page.click('#cut')
    await demo.shows('server_note', 'not connected')
    await expect.poll(() => received(demo), { timeout: EVENT_TIMEOUT_MS }).toBe(0)
    await demo.page.click('#again')
    await is_fed(demo)
    await demo.shows('server_note', 'reads slowly')
    // A slow reader takes 5 ms for each answer, so it can't keep up with this rate.
    await demo.set_load('echo', '16384', 1_000)
    await demo.is_full(true)
    expect(demo.logged).toEqual([])
  })
})

/** Waits until an attempt is scheduled, triggers it, and waits until the next one is scheduled. */
async function fail(demo: Demo, attempt: number): Promise<void> {
  await demo.shows('path_wait', `Attempt ${attempt} `)
  await demo.page.click('#again')
  await demo.shows('path_wait', `Attempt ${attempt + 1} `)
}

/** Returns the rate of received messages, per second. */
function received({ page }: Demo): Promise<number> {
  return page.locator('#frames').evaluate(({ dataset }) => Number(dataset.received))
}

async function is_fed(demo: Demo): Promise<void> {
  await expect.poll(() => received(demo), { timeout: EVENT_TIMEOUT_MS }).toBeGreaterThan(500)
}
