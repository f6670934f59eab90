import { NetError } from '@bt/ws-protocol'
import { afterEach, expect, it, vi } from 'vitest'
import { browser_platform } from '../../src/browser/platform.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

/** Gives the platform the events of a browser's window, which Node has not. */
function stub_window(): EventTarget {
  const window = new EventTarget()
  vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
  vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
  return window
}

it.each(['online', 'visibilitychange', 'pageshow'])(
  'calls the watcher each time there is the event %s, until it is removed',
  event => {
    const window = stub_window()
    let times = 0
    const stop = browser_platform.watch_wakeups(() => {
      times += 1
    })
    window.dispatchEvent(new Event('offline'))
    expect(times).toBe(0)
    window.dispatchEvent(new Event(event))
    window.dispatchEvent(new Event(event))
    expect(times).toBe(2)
    stop()
    window.dispatchEvent(new Event(event))
    expect(times).toBe(2)
  },
)

it('does not call the watcher while the page is hidden', () => {
  const window = stub_window()
  const document = { hidden: true }
  vi.stubGlobal('document', document)
  let times = 0
  const stop = browser_platform.watch_wakeups(() => {
    times += 1
  })
  window.dispatchEvent(new Event('visibilitychange'))
  expect(times).toBe(0)
  document.hidden = false
  window.dispatchEvent(new Event('visibilitychange'))
  expect(times).toBe(1)
  stop()
})

it('watches nothing on platforms without the events', () => {
  vi.stubGlobal('addEventListener', undefined)
  vi.stubGlobal('removeEventListener', undefined)
  const stop = browser_platform.watch_wakeups(() => {})
  expect(() => stop()).not.toThrow()
})

it.each([
  [{ onLine: false }, true],
  [{ onLine: true }, false],
  [{}, false],
  [undefined, false],
])('is offline only if the platform reports it: %j', (navigator, is_offline) => {
  vi.stubGlobal('navigator', navigator)
  expect(browser_platform.is_offline()).toBe(is_offline)
})

it.each([
  ['ws://host:81/', true],
  ['ws://localhost.example/', true],
  ['ws://localhost:81/', false],
  ['wss://app.localhost/', false],
  ['ws://127.0.0.1/', false],
  ['ws://[::1]:81/', false],
  ['', true],
])('is cut off from %s without a network: %s', (url, is_cut_off) => {
  vi.stubGlobal('navigator', { onLine: false })
  expect(browser_platform.is_cut_off(url)).toBe(is_cut_off)
  vi.stubGlobal('navigator', { onLine: true })
  expect(browser_platform.is_cut_off(url)).toBe(false)
})

it('shows no more than ten warnings a minute', () => {
  vi.useFakeTimers()
  const shown: string[] = []
  vi.stubGlobal('console', { warn: ({ message }: NetError) => shown.push(message) })
  for (let i = 0; i < 1_000; i += 1) browser_platform.warn(new NetError('handler_failed', `${i}`))
  expect(shown).toEqual([...'0123456789'])
  vi.advanceTimersByTime(60_000)
  browser_platform.warn(new NetError('closed', 'later'))
  expect(shown[10]).toBe('later')
})
