import { RedisClient, type RedisClientType } from '@redis/client'
import { connect_error } from './redis_error.js'
import type { NodeConnections } from './redis_node.js'
import type { ClientOptions, Seed, SocketOptions } from './seed.js'
import { find_channel, SLOTS } from './slot.js'

/** The first major version of Redis with sharded channels. */
const SHARDED_SINCE = 7

const PROTOCOL = { RESP: 3 } as const

/**
 * Makes a client. `createClient` would also make a class with hundreds of methods whenever its options differ
 * from those of its last call.
 */
const create_client = RedisClient.factory(PROTOCOL)

/** The connected nodes of Redis, and the slots that each of them serves. */
export interface Topology {
  /** One node, or all primaries of a cluster. */
  readonly nodes: readonly NodeConnections[]
  /** The index of the node that serves each slot; `undefined` if slots do not matter. */
  readonly node_of_slot: Uint16Array | undefined
}

/** The fields of the reply to `HELLO` that matter here. */
interface ServerInfo {
  readonly mode: string
  readonly version: string
  readonly role: string
}

/** The address of a node that serves slots. */
interface Master {
  readonly host: string
  readonly port: number
}

/** One attempt to connect, which can destroy every connection that it has opened. */
export class Attempt {
  readonly #seed: Seed
  readonly #clients: RedisClientType[] = []
  #is_destroyed = false

  constructor(seed: Seed) {
    this.#seed = seed
  }

  /**
   * Connects, to every node of a cluster. If `is_one_of_several`, the option `url` lists several nodes, so it
   * has to be a cluster.
   */
  async open(is_one_of_several: boolean): Promise<Topology> {
    const client = await this.#connect(this.#seed.options)
    // Redis lets every user call HELLO, whatever its ACL rules are.
    const { mode, version, role } = (await client.hello().catch(throw_connect_error)) as ServerInfo
    if (mode === 'sentinel')
      throw new Error(
        'it is a Sentinel, which carries nothing itself: give the URL of the Redis that it watches',
      )
    const is_sharded = Number.parseInt(version, 10) >= SHARDED_SINCE
    if (mode === 'cluster' && is_sharded) return this.#open_cluster(client)
    if (is_one_of_several && mode !== 'cluster')
      throw new Error(
        'it is not a node of a Redis Cluster, and url lists several: give one URL, or those of the nodes',
      )
    if (role === 'replica' && mode !== 'cluster')
      throw new Error(
        'it is a replica, and what is published there reaches nobody who has connected to its primary: give the URL of that',
      )
    // In a cluster without sharded channels, each node forwards published messages to all others.
    const node = {
      publisher: client,
      subscriber: client,
      is_sharded,
      requires_primary: mode !== 'cluster',
      address: undefined,
      idle_channel: undefined,
    }
    return { nodes: [node], node_of_slot: undefined }
  }

  /** Destroys all connections, including any that are opened later. */
  destroy(): void {
    this.#is_destroyed = true
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
          find_channel(slot => node_of_slot[slot] === index),
        ),
      ),
    )
    client.destroy()
    return { nodes, node_of_slot }
  }

  /**
   * Opens two connections, because a client of node-redis that also publishes can miss that its subscriptions
   * have moved to another node.
   */
  async #open_node({ host, port }: Master, idle_channel: string): Promise<NodeConnections> {
    const { options } = this.#seed
    const address = `${host}:${port}`
    const node_options = { ...options, socket: { ...options.socket, host, port } as SocketOptions }
    try {
      const [publisher, subscriber] = await Promise.all([
        this.#connect(node_options),
        // A client that waits for the reply to a ping can miss it as well.
        this.#connect({ ...node_options, pingInterval: 0 }),
      ])
      return { publisher, subscriber, is_sharded: true, requires_primary: false, address, idle_channel }
    } catch (error) {
      throw new Error(`its node ${address}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Returns the address of a node. A node that does not know its own host is the one that was asked. */
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
      // A timer for each command costs four times as much as the command.
      commandOptions: { timeout: 0 },
      socket: {
        ...options.socket,
        // The attempt as a whole has a limit; the client's own would also count time in which this process
        // was busy.
        connectTimeout: 0,
        reconnectStrategy: false,
      } as SocketOptions,
    }) as RedisClientType
    this.#clients.push(client)
    const connected = new Promise((resolve, reject) => {
      client.on('error', reject)
      client.connect().then(resolve, reject)
    })
    await connected.catch(throw_connect_error)
    // A client that is destroyed while it connects stays connected.
    if (this.#is_destroyed) client.destroy()
    return client
  }
}

function throw_connect_error(error: Error): never {
  throw connect_error(error)
}
