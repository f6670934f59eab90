import { RedisClient, type RedisClientType } from '@redis/client'
import { not_reached } from './redis_error.js'
import type { NodeConnections } from './redis_node.js'
import type { ClientOptions, Seed, SocketOptions } from './seed.js'
import { channel_in, SLOTS } from './slot.js'

/** The first version of Redis that has sharded channels. */
const SHARDED_SINCE = 7

const PROTOCOL = { RESP: 3 } as const

/** Makes a client. `createClient` also makes a class with hundreds of methods whenever the options differ from those of the last call. */
const create_client = RedisClient.factory(PROTOCOL)

/** What there is of Redis, connected. */
export interface Topology {
  /** The servers of Redis that take part. */
  readonly nodes: readonly NodeConnections[]
  /** In a cluster, which of them has each slot. */
  readonly node_of_slot: Uint16Array | undefined
}

/** What Redis says of itself. */
interface Greeting {
  readonly mode: string
  readonly version: string
  readonly role: string
}

/** A server of a cluster that has slots. */
interface Master {
  readonly host: string
  readonly port: number
}

/** One attempt to connect, and all that it opens. */
export class Attempt {
  readonly #seed: Seed
  readonly #clients: RedisClientType[] = []
  #is_over = false

  constructor(seed: Seed) {
    this.#seed = seed
  }

  /** Connects, to all nodes where it is a cluster. `has_others` says that other servers were named as well, so that it has to be one. */
  async open(has_others: boolean): Promise<Topology> {
    const client = await this.#connect(this.#seed.options)
    // Whoever may connect may say this, whatever else is not allowed.
    const { mode, version, role } = (await client.hello().catch(explained)) as Greeting
    if (mode === 'sentinel')
      throw new Error(
        'it is a Sentinel, which carries nothing itself: give the URL of the Redis that it watches',
      )
    const is_sharded = Number.parseInt(version, 10) >= SHARDED_SINCE
    if (mode === 'cluster' && is_sharded) return this.#open_cluster(client)
    if (has_others && mode !== 'cluster')
      throw new Error(
        'it is not a node of a Redis Cluster, and url lists several: give one URL, or those of the nodes',
      )
    if (role === 'replica' && mode !== 'cluster')
      throw new Error(
        'it is a replica, and what is published there reaches nobody who has connected to its primary: give the URL of that',
      )
    // In a cluster without sharded channels, each node carries to all others what is published.
    const alone = { must_be_primary: mode !== 'cluster', address: undefined, idle_channel: undefined }
    const node = { publisher: client, subscriber: client, is_sharded, ...alone }
    return { nodes: [node], node_of_slot: undefined }
  }

  /** Ends all that was opened, and what is opened from now on. */
  destroy(): void {
    this.#is_over = true
    for (const client of this.#clients) client.destroy()
  }

  async #open_cluster(client: RedisClientType): Promise<Topology> {
    const shards = await client.clusterSlots().catch((error: Error) => {
      throw new Error(`it is a Redis Cluster, and did not tell its slots (${error.message})`, {
        cause: error,
      })
    })
    const masters: Master[] = []
    const node_of_slot = new Uint16Array(SLOTS)
    let served = 0
    for (const { from, to, master } of shards) {
      const { host, port } = this.#reachable(master)
      let index = masters.findIndex(known => known.host === host && known.port === port)
      if (index < 0) index = masters.push({ host, port }) - 1
      node_of_slot.fill(index, from, to + 1)
      served += to + 1 - from
    }
    if (served < SLOTS)
      throw new Error(
        `it is a Redis Cluster that serves only ${served} of its ${SLOTS} slots: look at CLUSTER INFO`,
      )
    const nodes = await Promise.all(
      masters.map((master, index) =>
        this.#open_node(
          master,
          channel_in(slot => node_of_slot[slot] === index),
        ),
      ),
    )
    client.destroy()
    return { nodes, node_of_slot }
  }

  /** Two connections: a client that publishes does not notice that its subscriptions have moved to another node. */
  async #open_node({ host, port }: Master, idle_channel: string): Promise<NodeConnections> {
    const { options } = this.#seed
    const address = `${host}:${port}`
    const here = { ...options, socket: { ...options.socket, host, port } as SocketOptions }
    try {
      const [publisher, subscriber] = await Promise.all([
        this.#connect(here),
        // While it waits for the answer to a ping, a client does not notice it either.
        this.#connect({ ...here, pingInterval: 0 }),
      ])
      return { publisher, subscriber, is_sharded: true, must_be_primary: false, address, idle_channel }
    } catch (error) {
      throw new Error(`its node ${address}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** A node that does not know its own host is at that which was asked. */
  #reachable({ host, port }: Master): Master {
    const asked = this.#seed.options.socket as { readonly host?: string }
    return { host: host === '' || host === '?' || host === null ? (asked.host ?? '') : host, port }
  }

  async #connect(options: ClientOptions): Promise<RedisClientType> {
    const client = create_client({
      ...options,
      ...PROTOCOL,
      disableOfflineQueue: true,
      maintNotifications: 'disabled',
      // A timer for each command costs four times what the command does.
      commandOptions: { timeout: 0 },
      socket: {
        ...options.socket,
        // The attempt as a whole has a limit; the client's own would also count time in which this process was busy.
        connectTimeout: 0,
        reconnectStrategy: false,
      } as SocketOptions,
    }) as RedisClientType
    this.#clients.push(client)
    const connected = new Promise((resolve, reject) => {
      client.on('error', reject)
      client.connect().then(resolve, reject)
    })
    await connected.catch(explained)
    // It takes no notice of having been destroyed while it was connecting.
    if (this.#is_over) client.destroy()
    return client
  }
}

function explained(error: Error): never {
  throw not_reached(error)
}
