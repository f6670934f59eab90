import type { Platform } from '../connection/platform.js'
import type { NetError } from '../errors/errors.js'
import { utf8_length } from '../frames/utf8.js'
import type { AbortControllerLike } from '../options/abort.js'
import { MessageQueue } from '../queues/message_queue.js'
import type { SendQueue } from '../queues/send_queue.js'
import { FakeClock } from './fake_clock.js'

/** Every platform that runs tests has it. */
declare const AbortController: new () => AbortControllerLike

/**
 * A platform that a test controls: its clock is a fake, and callbacks and turns end when the test calls
 * {@link FakePlatform.end_callback} and {@link FakePlatform.end_turn}.
 */
export class FakePlatform implements Platform {
  /** Time, under the control of the test. */
  readonly clock: FakeClock = new FakeClock()
  /** Returns how many bytes a text takes as UTF-8. */
  readonly byte_length: typeof utf8_length = utf8_length
  /** The errors that were shown as warnings, for lack of an `on_error`. */
  readonly warnings: NetError[] = []
  readonly #soon: (() => void)[] = []
  readonly #deferred: (() => void)[] = []

  /** Makes a queue of messages as they are. */
  make_queue(is_masked: boolean): SendQueue {
    return new MessageQueue(is_masked)
  }

  /** Returns the controller of a new signal. */
  make_controller(): AbortControllerLike {
    return new AbortController()
  }

  /** Runs a task at the end of the callback. */
  soon(task: () => void): void {
    this.#soon.push(task)
  }

  /** Runs a task at the end of the turn. */
  defer(task: () => void): void {
    this.#deferred.push(task)
  }

  /** Records a warning. */
  warn(error: NetError): void {
    this.warnings.push(error)
  }

  /** Ends the callback, before the promise jobs that it started: runs the tasks of {@link FakePlatform.soon}. */
  end_callback(): void {
    for (let task = this.#soon.shift(); task !== undefined; task = this.#soon.shift()) task()
  }

  /** Ends the turn: runs all tasks, including those that they add themselves. */
  end_turn(): void {
    do {
      this.end_callback()
      this.#deferred.shift()?.()
    } while (this.#soon.length + this.#deferred.length > 0)
  }
}
