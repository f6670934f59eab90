import type { Platform } from '../connection/platform.js'
import type { NetError } from '../errors/errors.js'
import { utf8_length } from '../frames/utf8.js'
import { MessageQueue } from '../queues/message_queue.js'
import { FakeClock } from './fake_clock.js'

/** A platform that a test holds in its hand: time stands still, and a turn ends when the test says so. */
export class FakePlatform implements Platform {
  readonly clock: FakeClock = new FakeClock()
  readonly byte_length: typeof utf8_length = utf8_length
  /** What was said aloud, since no `on_error` took it. */
  readonly warnings: NetError[] = []
  readonly #deferred: (() => void)[] = []

  make_queue(is_masked: boolean): MessageQueue {
    return new MessageQueue(is_masked)
  }

  soon(task: () => void): void {
    this.#deferred.push(task)
  }

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
