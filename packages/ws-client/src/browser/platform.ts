import { is_loopback_host, MessageQueue, type Platform, utf8_length } from '@bt/ws-protocol/internal'

function is_offline(): boolean {
  return globalThis.navigator?.onLine === false
}

/** The network is back, a tab is shown again, and a page comes back from the back/forward cache. */
const WAKE_EVENTS = ['online', 'visibilitychange', 'pageshow']

/** The warnings of this minute. A server can cause any number of errors, so no more than ten are shown. */
let warnings = 0

/** The platform that browsers, workers, Deno and Bun have in common. */
export const browser_platform: Platform &
  Required<Pick<Platform, 'is_offline' | 'is_cut_off' | 'watch_wakeups'>> = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      const timer = setTimeout(task, after_ms)
      return () => clearTimeout(timer)
    },
  },
  byte_length: utf8_length,
  make_queue: is_masked => new MessageQueue(is_masked),
  // Each message is sent by a call of its own, so waiting for more messages would gain nothing.
  soon: task => queueMicrotask(task),
  defer: task => queueMicrotask(task),
  make_controller: () => new AbortController(),
  is_offline,
  // There is no URL yet if the function that returns it has not succeeded.
  is_cut_off: url => is_offline() && !is_loopback_host(new URL(url, 'ws://x').hostname),
  watch_wakeups(task) {
    const wake = (): void => {
      if (!globalThis.document?.hidden) task()
    }
    // React Native has no such events, and Deno and Bun never emit them.
    for (const event of WAKE_EVENTS) globalThis.addEventListener?.(event, wake)
    return () => {
      for (const event of WAKE_EVENTS) globalThis.removeEventListener?.(event, wake)
    }
  },
  warn(error) {
    if (warnings === 0)
      setTimeout(() => {
        warnings = 0
      }, 60_000)
    warnings += 1
    if (warnings <= 10) console.warn(error)
  },
}
