import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol'
import { connect_in_time } from '@bt/ws-protocol/node'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import { in_words } from './nats_error.js'
import { NatsLink } from './nats_link.js'
import { OpenedSockets } from './opened_sockets.js'

/** The client's own options, and the time for an attempt to connect, in milliseconds. */
export type NatsSettings = NodeConnectionOptions & { readonly timeout: number }

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

  async connect(sink: ClusterSink): Promise<ClusterLink> {
    const sockets = new OpenedSockets()
    const late = new AbortController()
    const opening = sockets.during(() => this.#open(late.signal))
    const connection = await connect_in_time(this.#settings.timeout, opening, () => {
      late.abort()
      sockets.destroy()
      opening.then(
        connection => connection.close(),
        () => {},
      )
    })
    return new NatsLink(connection, sink)
  }

  async #open(late: AbortSignal): Promise<NatsConnection> {
    const settings = this.#settings
    // Where TLS comes first, its socket is not among those that Node tells of; it takes a signal instead.
    const tls = settings.tls?.handshakeFirst === true ? { tls: { ...settings.tls, signal: late } } : {}
    try {
      return await connect({
        ...settings,
        ...tls,
        noEcho: true,
        reconnect: false,
        ignoreClusterUpdates: true,
        // It measures each address by itself. The sum is measured here, and comes first.
        timeout: settings.timeout + 1_000,
      })
    } catch (error) {
      throw in_words(error as Error)
    }
  }
}
