import {
  is_loopback_host,
  limit_warnings,
  MessageQueue,
  type Platform,
  utf8_length,
} from '@bt/ws-protocol/internal'

function is_offline(): boolean {
  return globalThis.navigator?.onLine === false
}

/** The timers, the clock and the console that browsers, workers, Deno and Bun have alike. */
export const browser_platform: Platform &
  Required<Pick<Platform, 'is_offline' | 'is_cut_off' | 'watch_online'>> = {
  clock: {
    now_ms: () => performance.now(),
    start_timer(after_ms, task) {
      const timer = setTimeout(task, after_ms)
      return () => clearTimeout(timer)
    },
  },
  byte_length: utf8_length,
  make_queue: is_masked => new MessageQueue(is_masked),
  // Every message is a call of its own: to wait for more would win nothing.
  soon: task => queueMicrotask(task),
  defer: task => queueMicrotask(task),
  is_offline,
  is_cut_off: url => is_offline() && !is_loopback_host(new URL(url).hostname),
  watch_online(task) {
    // Not everywhere there are such events: Deno and Bun have none.
    globalThis.addEventListener?.('online', task)
    return () => globalThis.removeEventListener?.('online', task)
  },
  warn: limit_warnings(
    error => console.warn(error),
    (task, after_ms) => setTimeout(task, after_ms),
  ),
}
