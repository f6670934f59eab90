import { CallbackMonitor, type Clock, type Connection } from '@bt/ws-protocol/internal'

/** The clients that share a clock, whose callbacks one timer monitors. */
class MonitoredClients {
  readonly #connections = new Set<Connection<unknown>>()
  readonly #monitor: CallbackMonitor

  constructor(clock: Clock) {
    this.#monitor = new CallbackMonitor('client', clock, () => this.#unsettled())
  }

  /** Monitors a client until its last callback is done, or has been reported. */
  add(connection: Connection<unknown>): void {
    // A client that reconnects is monitored already.
    if (this.#connections.has(connection)) return
    this.#connections.add(connection)
    this.#monitor.start()
    connection.closed.then(() => this.#remove(connection))
  }

  *#unsettled(): Iterable<Connection<unknown>> {
    for (const connection of this.#connections) {
      // The timer would keep the process alive for as long as this callback does not settle.
      if (connection.state === 'closed' && this.#monitor.has_reported(connection)) this.#remove(connection)
      else yield connection
    }
  }

  #remove(connection: Connection<unknown>): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#monitor.stop()
  }
}

const by_clock = new WeakMap<Clock, MonitoredClients>()

/** Monitors the callbacks of a client, to report one that never settles. */
export function monitor_callbacks(clock: Clock, connection: Connection<unknown>): void {
  let clients = by_clock.get(clock)
  if (clients === undefined) {
    clients = new MonitoredClients(clock)
    by_clock.set(clock, clients)
  }
  clients.add(connection)
}
