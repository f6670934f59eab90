import { NetError } from '../errors/errors.js'
import type { Clock } from '../time/clock.js'
import { CHECKS_PER_SPAN, PeriodicCheck } from '../time/periodic_check.js'
import type { CloseInfo } from './close_info.js'
import type { CallbackName } from './inbox.js'

/** The time after which a callback that has not settled is reported, in milliseconds. */
const PENDING_MS = 30_000

/** A connection whose callbacks are monitored. */
export interface MonitoredConnection {
  readonly inbox: {
    readonly running: CallbackName | undefined
    readonly calls: number
    readonly is_waiting: boolean
    readonly close_due: CloseInfo | undefined
  }
  /** How many bytes wait to be sent. */
  readonly queued: number
  report(error: NetError): void
}

/** A callback that was running at earlier checks. */
interface SeenCallback {
  readonly number: number
  readonly checks: number
}

/** Finds callbacks that never settle while something waits for them, and reports each of them once. */
export class CallbackMonitor {
  readonly #side: 'client' | 'server'
  readonly #check: PeriodicCheck
  /** The callbacks that were running at the last check. */
  readonly #seen = new WeakMap<MonitoredConnection, SeenCallback>()

  /** `connections` returns those to check, each time. */
  constructor(side: 'client' | 'server', clock: Clock, connections: () => Iterable<MonitoredConnection>) {
    this.#side = side
    this.#check = new PeriodicCheck(PENDING_MS, clock, () => {
      for (const connection of connections()) this.#check_connection(connection)
    })
  }

  /** Starts checking; does nothing if started already. */
  start(): void {
    this.#check.start()
  }

  /** Stops checking. */
  stop(): void {
    this.#check.stop()
  }

  /** Whether the running callback of a connection was reported. */
  has_reported(connection: MonitoredConnection): boolean {
    const seen = this.#seen.get(connection)
    return seen?.number === connection.inbox.calls && seen.checks > CHECKS_PER_SPAN
  }

  /** Reports the callback of a connection that is still running. */
  report(connection: MonitoredConnection, since: string): void {
    const { running } = connection.inbox
    const name = running === 'on_open' && this.#side === 'server' ? 'on_connect' : running
    const message = `${name} has not settled ${since}: limit the time of what it awaits, or pass it \`signal\``
    connection.report(new NetError('callback_pending', message))
  }

  #check_connection(connection: MonitoredConnection): void {
    const { running, calls, is_waiting, close_due } = connection.inbox
    if (running === undefined) return
    const seen = this.#seen.get(connection)
    const checks = seen?.number === calls ? seen.checks : 0
    // A callback that nothing waits for may take its time.
    const holds_queue = this.#side === 'client' && running === 'on_open' && connection.queued > 0
    const is_awaited = is_waiting || close_due !== undefined || running === 'on_close' || holds_queue
    if (checks > CHECKS_PER_SPAN || (checks === CHECKS_PER_SPAN && !is_awaited)) return
    this.#seen.set(connection, { number: calls, checks: checks + 1 })
    if (checks === CHECKS_PER_SPAN) this.report(connection, 'for 30 s')
  }
}
