import type { ClusterLink, ClusterPort, ClusterSink } from '@bt/ws-protocol/broker'
import { connect_in_time } from '@bt/ws-protocol/broker'
import { Attempt } from './attempt.js'
import { RedisLink } from './redis_link.js'
import type { Seed } from './seed.js'

/** Where Redis is, and the time for an attempt to connect to any of the servers, in milliseconds. */
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

  async connect(sink: ClusterSink): Promise<ClusterLink> {
    const { seeds } = this.#settings
    const failures: string[] = []
    let cause: unknown
    for (const seed of in_any_order(seeds)) {
      try {
        return await this.#connect(seed, sink)
      } catch (error) {
        cause ??= error
        failures.push(
          seeds.length === 1 ? (error as Error).message : `${seed.address}: ${(error as Error).message}`,
        )
      }
    }
    throw new Error(failures.join('; '), { cause })
  }

  async #connect(seed: Seed, sink: ClusterSink): Promise<ClusterLink> {
    const { seeds, connect_timeout } = this.#settings
    const timeout_ms = Math.ceil(connect_timeout / seeds.length)
    const attempt = new Attempt(seed)
    // Redis waits for more of what it takes for the beginning of a command.
    const also = 'tls' in seed.options.socket && seed.options.socket.tls ? ', and speaks TLS' : ''
    try {
      return new RedisLink(await connect_in_time(timeout_ms, attempt.open(seeds.length > 1), also), sink)
    } catch (error) {
      attempt.destroy()
      throw error
    }
  }
}

/** From anywhere on, so that not all servers ask the first. */
function in_any_order(seeds: readonly Seed[]): Seed[] {
  const first = Math.floor(Math.random() * seeds.length)
  return [...seeds.slice(first), ...seeds.slice(0, first)]
}
