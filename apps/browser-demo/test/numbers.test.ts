import { describe, expect, it } from 'vitest'
import { type Demo, EVENT_TIMEOUT_MS, hold_waits, use_browser } from './browser.ts'
import { share_service } from './service.ts'

describe('the numbers of the page', () => {
  const open_page = use_browser()
  const shared_service = share_service()

  it('are lost without a session when the wire is cut', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.shows('numbers_note', 'lost 0 times · no session')
    await cut_and_reopen(demo)
    await demo.shows('numbers_note', 'lost 1 time · no session')
    for (const direction of ['in', 'out'] as const) {
      await expect.poll(() => counted(demo, direction, 'missing'), POLL).toBeGreaterThan(0)
      expect(await counted(demo, direction, 'twice')).toBe(0)
      expect(await cells(demo, direction, 'missing')).toBe(await counted(demo, direction, 'missing'))
    }
    expect(demo.logged).toEqual([])
  })

  it('all come once with a session, although the wire is cut', async () => {
    const { url } = shared_service()
    const demo = await open_page(url, {}, hold_waits)
    await demo.page.check('#session')
    await demo.shows('log', '· numbers without a session: from the server, ')
    await demo.shows('log', '· open, in a new session')
    await demo.shows('you', 'you are ')
    const you = await demo.page.textContent('#you')
    await cut_and_reopen(demo)
    await demo.shows('numbers_note', 'lost 1 time · session recovered 1 time')
    await demo.shows('log', '· open again at attempt 1, in the same session')
    for (const direction of ['in', 'out'] as const)
      for (const fate of ['missing', 'twice'] as const) expect(await counted(demo, direction, fate)).toBe(0)
    // The page is still the same one for the server, and for the others.
    expect(await demo.page.textContent('#you')).toBe(you)
    await demo.type_line('say_text', 'still here')
    await demo.shows('log', '← still here')
    await demo.page.click('#server_close')
    await demo.shows('end_code', '4002')
    await demo.page.click('#again')
    await expect
      .poll(() => demo.page.textContent('#log'), POLL)
      .toMatch(/open again at attempt \d+, in a new session/)
    expect(demo.logged).toEqual([])
  })

  it('begin anew when the session is switched off', async () => {
    const { url } = shared_service()
    const demo = await open_page(url)
    await demo.page.check('#session')
    await demo.shows('numbers_note', 'session recovered 0 times')
    await demo.shows('state', 'open')
    await demo.page.uncheck('#session')
    await demo.shows('log', '· numbers with a session: from the server, ')
    await demo.shows('numbers_note', 'no session')
    await demo.shows('state', 'open')
    await demo.page.click('#connect')
    await demo.shows('state', 'closed')
    await demo.page.check('#session')
    expect(await demo.page.textContent('#state')).toBe('closed')
    expect(demo.logged).toEqual([])
  })
})

const POLL = { timeout: EVENT_TIMEOUT_MS }

type Direction = 'in' | 'out'

/** Cuts the wire while numbers come both ways, reconnects, and waits until more of them have come. */
async function cut_and_reopen(demo: Demo): Promise<void> {
  await more_come(demo)
  await demo.page.click('#cut')
  await demo.shows('state', 'reconnecting')
  await demo.page.click('#again')
  await demo.shows('state', 'open')
  await more_come(demo)
}

async function more_come(demo: Demo): Promise<void> {
  for (const direction of ['in', 'out'] as const) {
    const before = await counted(demo, direction, 'came')
    await expect.poll(() => counted(demo, direction, 'came'), POLL).toBeGreaterThan(before)
  }
}

async function counted(
  demo: Demo,
  direction: Direction,
  fate: 'came' | 'missing' | 'twice',
): Promise<number> {
  return Number(await demo.page.textContent(`#${direction}_${fate}`))
}

function cells(demo: Demo, direction: Direction, kind: 'missing'): Promise<number> {
  return demo.page.locator(`#strip_${direction} [data-kind="${kind}"]`).count()
}
