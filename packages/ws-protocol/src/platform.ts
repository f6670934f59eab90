import type { Clock } from './clock.js'
import type { NetError } from './errors.js'
import type { Channels } from './events.js'
import type { Batch, SendQueue } from './send_queue.js'

/** What the core asks of the place it runs in: Node, a browser, a test. The core itself touches no global. */
export interface Platform<Kind extends Batch> {
  /** Time and timers. */
  readonly clock: Clock
  /** How many bytes `text` takes as UTF-8, a lone surrogate as U+FFFD. */
  byte_length(text: string): number
  /** What keeps messages until a port of this platform takes them; `is_masked`: a client's (RFC 6455 §5.1). */
  make_queue(is_masked: boolean): SendQueue<Kind>
  /** Runs `task` when the callback that is running now is done; before the promise jobs that it started, where a platform can. */
  soon(task: () => void): void
  /** Runs `task` when the callback that is running now, and the promise jobs it started, are done: the end of the turn. */
  defer(task: () => void): void
  /** Where events are published, where a platform has such channels. */
  readonly channels?: Channels
  /** Calls `task` whenever the network is there again, where a platform tells that; returns what ends it. */
  watch_online?(task: () => void): () => void
  /** Says an error aloud that no `on_error` takes. */
  warn(error: NetError): void
}
