import type { NetError } from '../errors/errors.js'
import type { AbortControllerLike } from '../options/abort.js'
import type { SendQueue } from '../queues/send_queue.js'
import type { Clock } from '../time/clock.js'
import type { EventChannels } from './events.js'

/**
 * The functions that the core needs from its environment: Node, a browser or a test. The core itself uses no
 * globals.
 */
export interface Platform {
  readonly clock: Clock
  /** Returns the length of `text` as UTF-8 in bytes, with a lone surrogate as U+FFFD. */
  byte_length(text: string): number
  /** Returns a new send queue for the ports of this platform. `is_masked`: for a client (RFC 6455 §5.1). */
  make_queue(is_masked: boolean): SendQueue
  /**
   * Runs `task` when the running callback is done: before the promise jobs that it started, if the platform
   * allows that.
   */
  soon(task: () => void): void
  /**
   * Runs `task` when the running callback and the promise jobs that it started are done: at the end of the
   * turn.
   */
  defer(task: () => void): void
  /** Returns the controller of a new signal. */
  make_controller(): AbortControllerLike
  /** The channels to publish events on, if the platform has any. */
  readonly channels?: EventChannels
  /**
   * Returns whether there is no network; `error` is why the last attempt to connect failed. Left out if the
   * platform does not know.
   */
  is_offline?(error?: NetError): boolean
  /** Returns whether `url` is unreachable because there is no network, which a loopback address never is. */
  is_cut_off?(url: string, error?: NetError): boolean
  /**
   * Calls `task` whenever what was known about connections may be out of date: the network is back, the page
   * is shown again, or the process was suspended. Returns a function that stops this.
   */
  watch_wakeups?(task: () => void): () => void
  /** Shows an error as a warning when there is no `on_error` to take it. */
  warn(error: NetError): void
}
