import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
import { connect_in_time } from '@bt/ws-protocol/broker'
import { Attempt } from './attempt.js'
import { RedisLink } from './redis_link.js'
import type { Seed } from './seed.js'

/** The servers of Redis. `connect_timeout` is for one attempt to connect to any of them, in milliseconds. */
export interface RedisSettings {
  readonly seeds: readonly Seed[]
  readonly connect_timeout: number
}

/** Redis, through node-redis. */
export class RedisPort implements ClusterPort {
  readonly broker: string
  readonly prefix: string
  readonly #settings: RedisSettings

  constructor(broker: string, prefix: string, settings: RedisSettings) {
    this.broker = broker
    this.prefix = prefix
    this.#settings = settings
  }

  async connect(events: ClusterSink): Promise<ClusterLink> {
    const { seeds } = this.#settings
    const failures: string[] = []
    let cause: unknown
    for (const seed of from_random_start(seeds)) {
      try {
        return await this.#connect(seed, events)
      } catch (error) {
        cause ??= error
        failures.push(
          seeds.length === 1 ? (error as Error).message : `${seed.address}: ${(error as Error).message}`,
        )
      }
    }
    throw new Error(failures.join('; '), { cause })
  }

  async #connect(seed: Seed, events: ClusterSink): Promise<ClusterLink> {
    const { seeds, connect_timeout } = this.#settings
    const timeout_ms = Math.ceil(connect_timeout / seeds.length)
    const attempt = new Attempt(seed)
    // Redis takes a TLS ClientHello for the beginning of a command, and waits for the rest without an answer.
    const tls_hint = 'tls' in seed.options.socket && seed.options.socket.tls ? ', and speaks TLS' : ''
    try {
      return new RedisLink(
        await connect_in_time(timeout_ms, attempt.open(seeds.length > 1), tls_hint),
        events,
      )
    } catch (error) {
      attempt.destroy()
      throw error
    }
  }
}

/** Rotates the list by a random number, so that not all servers connect to the first seed. */
function from_random_start(seeds: readonly Seed[]): Seed[] {
  const first = Math.floor(Math.random() * seeds.length)
  return [...seeds.slice(first), ...seeds.slice(0, first)]
}
