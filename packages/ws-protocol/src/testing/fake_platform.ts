import type { NetError } from '../errors.js'
import type { Platform } from '../platform.js'
import { portable_text } from '../portable_text.js'
import { FakeClock } from './fake_clock.js'

/** A platform that a test holds in its hand: time stands still, and a turn ends when the test says so. */
export class FakePlatform implements Platform {
  readonly clock: FakeClock = new FakeClock()
  readonly text: typeof portable_text = portable_text
  /** What was said aloud, since no `on_error` took it. */
  readonly warnings: NetError[] = []
  readonly #deferred: (() => void)[] = []

  defer(task: () => void): void {
    this.#deferred.push(task)
  }

  warn(error: NetError): void {
    this.warnings.push(error)
  }

  /** Ends the turn: runs what was deferred, and what that defers in turn. */
  end_turn(): void {
    for (let task = this.#deferred.shift(); task !== undefined; task = this.#deferred.shift()) task()
  }
}
