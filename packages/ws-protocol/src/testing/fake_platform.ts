import type { NetError } from '../errors.js'
import { type MessageBatch, MessageQueue } from '../message_queue.js'
import type { Platform } from '../platform.js'
import { utf8_length } from '../utf8.js'
import { FakeClock } from './fake_clock.js'

/** A platform that a test holds in its hand: time stands still, and a turn ends when the test says so. */
export class FakePlatform implements Platform<MessageBatch> {
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
