import { type Broker, start_redis } from '@bt/test-support/brokers'
import type { ClusterPort } from '@bt/ws-protocol/broker'
import { type ClusterHarness, cluster_port_cases } from '@bt/ws-protocol/testing'
import { afterAll, describe, it } from 'vitest'
import { redis } from '../src/index.js'
import { RedisCluster } from './redis_cluster.js'

const single = await start_redis()
const cluster = await RedisCluster.start(2)
afterAll(() => Promise.all([single.close(), cluster.each(node => node.close())]))

function harness(port: ClusterPort, nodes: readonly Broker[], until_up: () => Promise<void>): ClusterHarness {
  const each = async (task: (node: Broker) => Promise<void>): Promise<void> => {
    await Promise.all(nodes.map(task))
  }
  return {
    port,
    echoes: true,
    max_payload_bytes: Number.POSITIVE_INFINITY,
    stop: () => each(node => node.stop()),
    kill: () => each(node => node.kill()),
    pause: () => each(node => node.pause()),
    start: async () => {
      await each(async node => {
        if (!node.is_running) await node.start()
      })
      await until_up()
    },
  }
}

describe('Redis', () => {
  const single_redis = harness(redis({ url: single.url }), [single], async () => {})
  for (const { name, run } of cluster_port_cases) it(name, () => run(single_redis))
})

describe('a Redis Cluster', () => {
  const port = redis({ url: cluster.nodes.map(node => node.url) })
  const redis_cluster = harness(port, cluster.nodes, () => cluster.until_whole())
  // After a restart the nodes take a while to agree that all of them are back.
  for (const { name, run } of cluster_port_cases) it(name, () => run(redis_cluster), 120_000)
})
