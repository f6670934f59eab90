import { type Broker, start_redis } from '@bt/test-support/brokers'
import { RedisClient } from '@redis/client'

/**
 * Makes a client. `createClient` would also make a class whenever its options differ from those of its last
 * call.
 */
const create_client = RedisClient.factory({})

/** A Redis Cluster whose nodes share the slots evenly. */
export class RedisCluster {
  readonly nodes: readonly Broker[]

  private constructor(nodes: readonly Broker[]) {
    this.nodes = nodes
  }

  static async start(count: number): Promise<RedisCluster> {
    const nodes = await Promise.all(Array.from({ length: count }, () => start_redis({ cluster: true })))
    const size = Math.ceil(16_384 / count)
    for (const [index, node] of nodes.entries()) {
      const last = Math.min((index + 1) * size, 16_384) - 1
      await command(node, 'CLUSTER', 'ADDSLOTSRANGE', String(index * size), String(last))
    }
    const [first, ...others] = nodes as [Broker, ...Broker[]]
    const bus_port = (await command(first, 'CONFIG', 'GET', 'cluster-port')) as { 'cluster-port': string }
    for (const node of others)
      await command(node, 'CLUSTER', 'MEET', '127.0.0.1', String(first.port), bus_port['cluster-port'])
    const cluster = new RedisCluster(nodes)
    await cluster.until_whole()
    return cluster
  }

  /** Resolves when every node knows the owners of all slots. */
  async until_whole(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.says(/Cluster state changed: ok/)))
  }

  /** Resolves when all nodes agree on the owner and the epoch of each slot. */
  async until_agreed(): Promise<void> {
    for (;;) {
      const views = await Promise.all(this.nodes.map(view_of))
      if (new Set(views).size === 1) return
    }
  }

  async each(task: (node: Broker) => unknown): Promise<void> {
    await Promise.all(this.nodes.map(task))
  }
}

/** Returns the id, the epoch and the slots of each node, as one node knows them. */
async function view_of(node: Broker): Promise<string> {
  const lines = String(await command(node, 'CLUSTER', 'NODES'))
    .trim()
    .split('\n')
  const known = lines.map(line => {
    const [id, , , , , , epoch, , ...slots] = line.split(' ')
    // Slots in brackets are being moved; only the node itself lists them.
    return [id, epoch, ...slots.filter(slot => !slot.startsWith('['))].join(' ')
  })
  return known.sort().join('\n')
}

/** Sends a command over a connection of its own, and returns the reply. */
export async function command(broker: Broker, ...words: readonly string[]): Promise<unknown> {
  const client = await create_client({ url: broker.url }).connect()
  try {
    return await client.sendCommand([...words])
  } finally {
    client.destroy()
  }
}
