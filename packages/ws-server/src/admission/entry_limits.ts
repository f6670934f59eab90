import type { Duplex } from 'node:stream'
import type { Clock } from '@bt/ws-protocol/internal'
import { TokenBucket } from '@bt/ws-protocol/internal/node'
import type { ClientEndpoint } from '../handshake/client_address.js'
import type { Handshake } from '../handshake/handshake.js'
import { over_ip_limit, over_limit, over_rate, type Refusal } from '../handshake/refusal.js'
import { AddressLimit } from './address_limit.js'

/**
 * The number of connections of one address beyond twice `max_connections_per_ip`, for clients in their
 * handshake or being refused.
 */
const EXTRA_CONNECTIONS_PER_IP = 10

/** The options of the same names. */
export interface EntryLimitSettings {
  readonly max_connections: number
  readonly max_connections_per_ip?: number | undefined
  readonly max_handshakes_per_second?: number | undefined
}

/** Limits the number of clients in total, from one address, and per second. */
export class EntryLimits {
  readonly #max_connections: number
  readonly #addresses: AddressLimit | undefined
  readonly #connections: AddressLimit | undefined
  readonly #rate: TokenBucket | undefined

  constructor(settings: EntryLimitSettings, clock: Clock) {
    const { max_connections, max_connections_per_ip, max_handshakes_per_second } = settings
    this.#max_connections = max_connections
    if (max_connections_per_ip !== undefined) {
      this.#addresses = new AddressLimit(max_connections_per_ip)
      this.#connections = new AddressLimit(2 * max_connections_per_ip + EXTRA_CONNECTIONS_PER_IP)
    }
    if (max_handshakes_per_second !== undefined)
      this.#rate = new TokenBucket(max_handshakes_per_second, clock)
  }

  /** Counts a TCP connection until it closes. Returns `false` if there are too many from its address. */
  count_connection(stream: Duplex, endpoint: ClientEndpoint | undefined): boolean {
    if (this.#connections === undefined || typeof endpoint !== 'object') return true
    if (this.#connections.is_full(endpoint.ip)) return false
    this.#connections.count(stream, endpoint.ip)
    return true
  }

  /**
   * Counts a client, or returns the refusal if it exceeds a limit. The rate is checked last, so that clients
   * refused for another reason do not use it up.
   */
  admit(
    { stream, endpoint }: Pick<Handshake, 'stream' | 'endpoint'>,
    connections: number,
  ): Refusal | undefined {
    if (connections >= this.#max_connections) return over_limit()
    const ip = typeof endpoint === 'string' ? undefined : endpoint.ip
    if (ip !== undefined && this.#addresses?.is_full(ip)) return over_ip_limit()
    if (this.#rate?.take() === false) return over_rate()
    if (ip !== undefined) this.#addresses?.count(stream, ip)
    return undefined
  }
}
