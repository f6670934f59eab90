import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { NetError } from '@bt/ws-protocol'
import type { CancelTimer, Clock } from '@bt/ws-protocol/internal'

/**
 * The shortest time between two checks, each of which takes some microseconds: too long for every connection
 * of a burst.
 */
const CHECK_INTERVAL_MS = 100
/** The shortest time between two reports. */
const REPORT_INTERVAL_MS = 60_000

/**
 * Reports when the process has no file descriptor left for new connections, which Node closes silently then.
 * It checks when a connection is accepted, and once more soon after the last one of a burst.
 */
export class DescriptorMonitor {
  readonly #clock: Clock
  readonly #report: (error: NetError) => void
  readonly #open_descriptor: () => void
  /** Set while no check is due. */
  #cancel_timer: CancelTimer | undefined
  #has_new_connection = false

  /** `open_descriptor` throws if no file descriptor is left. */
  constructor(clock: Clock, report: (error: NetError) => void, open_descriptor: () => void = open_and_close) {
    this.#clock = clock
    this.#report = report
    this.#open_descriptor = open_descriptor
  }

  /** Has to be called for each accepted TCP connection. */
  on_connection(): void {
    if (this.#cancel_timer === undefined) this.#check()
    else this.#has_new_connection = true
  }

  stop(): void {
    this.#cancel_timer?.()
  }

  #check(): void {
    const cause = exhaustion_error(this.#open_descriptor)
    this.#has_new_connection = false
    const pause_ms = cause === undefined ? CHECK_INTERVAL_MS : REPORT_INTERVAL_MS
    this.#cancel_timer = this.#clock.start_timer(pause_ms, () => {
      this.#cancel_timer = undefined
      if (this.#has_new_connection) this.#check()
    })
    if (cause !== undefined) this.#report(no_descriptor_left(cause))
  }
}

/** Opens a file as a test, because Node has no call that returns the number of free descriptors. */
function open_and_close(): void {
  closeSync(openSync(devNull, 'r'))
}

function exhaustion_error(open_descriptor: () => void): Error | undefined {
  try {
    open_descriptor()
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EMFILE' || code === 'ENFILE' ? (error as Error) : undefined
  }
}

function no_descriptor_left(cause: Error): NetError {
  const message = `listen: no file descriptor is left, so who connects now is turned away without an answer; raise the limit (ulimit -n), or lower max_connections (${cause.message})`
  return new NetError('server_failed', message, { cause })
}
