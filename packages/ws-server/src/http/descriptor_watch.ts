import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { NetError } from '@bt/ws-protocol'
import type { CancelTimer, Clock } from '@bt/ws-protocol/internal'

/** How often it is tried at most: some microseconds are too much for every connection of a rush. */
const TRIED_EVERY_MS = 100
/** How often it is said that there is none left, at most. */
const SAID_EVERY_MS = 60_000

/**
 * Reports when the process has no file descriptor left for whoever connects next: Node ends those without a word to anybody. It tries
 * when a connection was accepted, and once more soon after the last one of a rush. `take_one` throws when there is none.
 */
export class DescriptorWatch {
  readonly #clock: Clock
  readonly #report: (error: NetError) => void
  readonly #take_one: () => void
  /** Until it has run out, nothing is tried. */
  #cancel_timer: CancelTimer | undefined
  #was_accepted_since = false

  constructor(clock: Clock, report: (error: NetError) => void, take_one: () => void = take_and_give_back) {
    this.#clock = clock
    this.#report = report
    this.#take_one = take_one
  }

  /** Is to be called for each TCP connection that was accepted. */
  accepted(): void {
    if (this.#cancel_timer === undefined) this.#try()
    else this.#was_accepted_since = true
  }

  /** Tries no more. */
  stop(): void {
    this.#cancel_timer?.()
  }

  #try(): void {
    const cause = why_none_left(this.#take_one)
    this.#was_accepted_since = false
    this.#cancel_timer = this.#clock.start_timer(cause === undefined ? TRIED_EVERY_MS : SAID_EVERY_MS, () => {
      this.#cancel_timer = undefined
      if (this.#was_accepted_since) this.#try()
    })
    if (cause !== undefined) this.#report(none_left(cause))
  }
}

/** To try is the only way to know; it takes some microseconds. */
function take_and_give_back(): void {
  closeSync(openSync(devNull, 'r'))
}

function why_none_left(take_one: () => void): Error | undefined {
  try {
    take_one()
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EMFILE' || code === 'ENFILE' ? (error as Error) : undefined
  }
}

function none_left(cause: Error): NetError {
  const message = `listen: no file descriptor is left, so who connects now is turned away without an answer; raise the limit (ulimit -n), or lower max_connections (${cause.message})`
  return new NetError('server_failed', message, { cause })
}
