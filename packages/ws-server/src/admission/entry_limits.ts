import type { Duplex } from 'node:stream'
import { node_platform } from '@bt/ws-protocol/internal/node'
import type { ClientPlace } from '../handshake/client_address.js'
import type { Handshake } from '../handshake/handshake.js'
import { over_ip_limit, over_limit, over_rate, type Refusal } from '../handshake/refusal.js'
import { AddressLimit } from './address_limit.js'
import { TokenBucket } from './token_bucket.js'

/** So many connections of one address there may be besides twice `max_connections_per_ip`: in their handshake, being refused, or asking for nothing. */
const MOST_BESIDE_PER_IP = 10

/** The options of these names. */
export interface EntryLimitSettings {
  readonly max_connections: number
  readonly max_connections_per_ip?: number | undefined
  readonly max_handshakes_per_second?: number | undefined
}

/** Limits how many clients connect: at once, from one address, and per second. */
export class EntryLimits {
  readonly #max_connections: number
  readonly #addresses: AddressLimit | undefined
  readonly #connections: AddressLimit | undefined
  readonly #rate: TokenBucket | undefined

  constructor(settings: EntryLimitSettings) {
    const { max_connections, max_connections_per_ip, max_handshakes_per_second } = settings
    this.#max_connections = max_connections
    if (max_connections_per_ip !== undefined) {
      this.#addresses = new AddressLimit(max_connections_per_ip)
      this.#connections = new AddressLimit(2 * max_connections_per_ip + MOST_BESIDE_PER_IP)
    }
    if (max_handshakes_per_second !== undefined)
      this.#rate = new TokenBucket(max_handshakes_per_second, node_platform.clock)
  }

  /** Counts a connection until it is closed, whatever becomes of it; or returns `false` if there are too many from its address. */
  keep(stream: Duplex, place: ClientPlace | undefined): boolean {
    if (this.#connections === undefined || typeof place !== 'object') return true
    if (this.#connections.is_full(place.ip)) return false
    this.#connections.count(stream, place.ip)
    return true
  }

  /**
   * Counts one more client in, or says which limit it is over. The rate comes last: who is refused for another reason takes no turn from
   * anybody.
   */
  enter({ stream, place }: Pick<Handshake, 'stream' | 'place'>, connections: number): Refusal | undefined {
    if (connections >= this.#max_connections) return over_limit()
    const ip = typeof place === 'string' ? undefined : place.ip
    if (ip !== undefined && this.#addresses?.is_full(ip)) return over_ip_limit()
    if (this.#rate?.take() === false) return over_rate()
    if (ip !== undefined) this.#addresses?.count(stream, ip)
    return undefined
  }
}
