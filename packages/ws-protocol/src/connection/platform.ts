import type { NetError } from '../errors/errors.js'
import type { SendQueue } from '../queues/send_queue.js'
import type { Clock } from '../time/clock.js'
import type { EventChannels } from './events.js'

/** What the core needs from where it runs: Node, a browser, a test. The core itself touches no global. */
export interface Platform {
  /** Time and timers. */
  readonly clock: Clock
  /** Returns how many bytes `text` takes as UTF-8, with a lone surrogate as U+FFFD. */
  byte_length(text: string): number
  /** Makes a queue that keeps messages until a port of this platform takes them; `is_masked`: for a client (RFC 6455 §5.1). */
  make_queue(is_masked: boolean): SendQueue
  /** Runs `task` when the running callback is done; before the promise jobs that it started, if the platform can. */
  soon(task: () => void): void
  /** Runs `task` when the running callback and the promise jobs that it started are done: at the end of the turn. */
  defer(task: () => void): void
  /** The channels to publish events on, if the platform has any. */
  readonly channels?: EventChannels
  /** Returns whether there is no network, if the platform knows. */
  is_offline?(): boolean
  /** Returns whether nothing can be reached at `url` because there is no network; this machine itself always can. */
  is_cut_off?(url: string): boolean
  /** Calls `task` whenever the network is back, if the platform tells; returns a function that stops this. */
  watch_online?(task: () => void): () => void
  /** Shows an error as a warning when there is no `on_error` to take it. */
  warn(error: NetError): void
}
