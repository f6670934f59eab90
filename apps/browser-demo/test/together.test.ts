import { describe, expect, it } from 'vitest'
import { EVENT_TIMEOUT_MS, use_browser } from './browser.ts'
import { start_server } from './program.ts'

describe('several tabs', () => {
  const open_page = use_browser()

  it('show arrivals and departures of people, their chat and their cursors', async () => {
    const { url } = await start_server()
    const otter = await open_page(url)
    await otter.shows('people_count', '1 here')
    const heron = await open_page(url)
    await heron.shows('you', 'you are Heron')
    await heron.shows('people_count', '2 here')
    await otter.shows('people', 'Heron')
    await otter.type_line('chat_text', 'hello there')
    await heron.shows('chat', 'Otter hello there')
    await otter.shows('chat', 'Otter hello there')
    await otter.page.focus('#space')
    await otter.page.keyboard.press('ArrowRight')
    await heron.shows('space', 'Otter')
    const before = (await heron.cursor_x()) ?? 0
    for (let i = 0; i < 5; i += 1) await otter.page.keyboard.press('ArrowRight')
    await expect.poll(() => heron.cursor_x(), { timeout: EVENT_TIMEOUT_MS }).toBeGreaterThan(before + 20)
    await otter.page.hover('#space')
    await otter.page.close()
    await heron.shows('people_count', '1 here')
    await heron.shows('chat', 'Otter left')
    expect(await heron.page.locator('#space .cursor').count()).toBe(0)
    expect([...otter.logged, ...heron.logged]).toEqual([])
  })

  it.each(['echo', 'feed'] as const)(
    'keep working when one of them is closed under an %s load',
    async kind => {
      const { program, url } = await start_server()
      const otter = await open_page(url)
      const heron = await open_page(url)
      await otter.set_load(kind, '1024', 2_000)
      await otter.page.click('#run')
      await otter.shows('log', '⇄ load:')
      await otter.page.close()
      await program.says('Otter left')
      await heron.shows('chat', 'Otter left')
      await heron.type_line('say_text', 'still here')
      await heron.shows('log', '← still here')
      await heron.shows('state', 'open')
      const lines = program.stdout.split('\n').filter(line => line.startsWith('page    '))
      expect(lines.slice(4)).toEqual([expect.stringMatching(/^page {4}Otter left \(code 100[16]/)])
      expect(program.stderr).toBe('')
      expect(heron.logged).toEqual([])
    },
  )
})
