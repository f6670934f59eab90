import type { NetError } from '@bt/ws-protocol'
import { type SharedBatch, SharedFrames } from '@bt/ws-protocol/internal'
import { frame_memory, node_platform, read_message } from '@bt/ws-protocol/internal/node'
import { type FakeBroker, FakeClock } from '@bt/ws-protocol/testing'
import { Cluster, type ClusterEvents } from '../../src/cluster/cluster.js'
import { Topics } from '../../src/sockets/topics.js'

/** Messages that a member got for its sockets. */
export interface Delivery {
  readonly topic: string | undefined
  readonly messages: readonly (string | number[])[]
}

/** A server without sockets, whose topics have strings as members. */
export class ClusterMember implements ClusterEvents {
  readonly clock = new FakeClock()
  readonly topics: Topics<string>
  readonly cluster: Cluster
  readonly deliveries: Delivery[] = []
  readonly errors: NetError[] = []
  size = 0

  constructor(broker: Pick<FakeBroker, 'port'>, { max_cluster_queue = 1_000_000, prefix = 'bt' } = {}) {
    const { clock } = this
    this.cluster = new Cluster(
      {
        port: broker.port(prefix),
        max_cluster_queue,
        has_node_channel: false,
        clock,
        soon: node_platform.soon,
      },
      this,
    )
    this.topics = new Topics(1_000_000, this.cluster)
  }

  /** Starts a member, and resolves when it has connected. */
  static async start(
    broker: FakeBroker,
    options?: { max_cluster_queue?: number; prefix?: string },
  ): Promise<ClusterMember> {
    const member = new ClusterMember(broker, options)
    member.cluster.start()
    await settled()
    return member
  }

  /** Returns the messages that arrived for a topic, or for all sockets. */
  received(topic?: string): (string | number[])[] {
    return this.deliveries.filter(delivery => delivery.topic === topic).flatMap(({ messages }) => messages)
  }

  publish(topic: string | undefined, data: string | Uint8Array): true | NetError {
    return this.cluster.publish(topic, new SharedFrames(frame_memory).add(data))
  }

  has_members(topic: string): boolean {
    return this.topics.members(topic) !== undefined
  }

  topics_with_members(): Iterable<string> {
    return this.topics.names()
  }

  deliver(topic: string | undefined, batch: SharedBatch): void {
    this.deliveries.push({ topic, messages: messages_of(batch) })
  }

  report(error: NetError): void {
    this.errors.push(error)
  }
}

/** Resolves when all pending microtasks are done. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function messages_of(batch: SharedBatch): (string | number[])[] {
  return Array.from(batch.parts(), ({ frames }) => {
    const message = read_message(frames)
    return typeof message === 'string' ? message : [...message]
  })
}
