import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
import { connect_in_time, no_answer } from '@bt/ws-protocol/broker'
import {
  connect,
  type NatsConnection,
  type NodeConnectionOptions,
  TimeoutError,
} from '@nats-io/transport-node'
import { connection_error } from './nats_error.js'
import { NatsLink } from './nats_link.js'
import { OpenedSockets } from './opened_sockets.js'

/**
 * The options of NATS's client. `timeout` is for one attempt to connect to any of the servers, in
 * milliseconds.
 */
export type NatsSettings = NodeConnectionOptions & { readonly servers: string[]; readonly timeout: number }

/** NATS, through its own client. */
export class NatsPort implements ClusterPort {
  readonly broker: string
  readonly prefix: string
  readonly #settings: NatsSettings

  constructor(broker: string, prefix: string, settings: NatsSettings) {
    this.broker = broker
    this.prefix = prefix
    this.#settings = settings
  }

  async connect(events: ClusterSink): Promise<ClusterLink> {
    const sockets = new OpenedSockets()
    const failed = new AbortController()
    const opening = sockets.track(() => this.#open(failed.signal))
    try {
      return new NatsLink(await connect_in_time(this.#settings.timeout, opening), events)
    } catch (error) {
      failed.abort()
      sockets.destroy()
      opening.then(
        late => late.close(),
        () => {},
      )
      throw error
    }
  }

  async #open(failed: AbortSignal): Promise<NatsConnection> {
    const { timeout, servers, tls } = this.#settings
    // Node announces no TLS sockets on the channel that OpenedSockets listens to, but they accept a signal.
    const tls_first = tls?.handshakeFirst === true ? { tls: { ...tls, signal: failed } } : {}
    try {
      return await connect({
        ...this.#settings,
        ...tls_first,
        noEcho: true,
        reconnect: false,
        ignoreClusterUpdates: true,
        // This limit, for one server, only makes the client try the next server. It can't limit the attempt,
        // because it also counts time in which this process was busy.
        timeout: servers.length === 1 ? 2 * timeout : timeout / servers.length,
      })
    } catch (error) {
      throw error instanceof TimeoutError ? no_answer(timeout) : connection_error(error as Error)
    }
  }
}
