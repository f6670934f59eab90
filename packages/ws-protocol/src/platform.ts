import type { Clock } from './clock.js'
import type { NetError } from './errors.js'
import type { TextCodec } from './payload.js'

/** What the core asks of the place it runs in: Node, a browser, a test. The core itself touches no global. */
export interface Platform {
  /** Time and timers. */
  readonly clock: Clock
  /** Text written as UTF-8. */
  readonly text: TextCodec
  /** Runs `task` when the callback that is running now, and the promise jobs it started, are done: the end of the turn. */
  defer(task: () => void): void
  /** Says an error aloud that no `on_error` takes. */
  warn(error: NetError): void
}
