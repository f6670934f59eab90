import type { ClusterLink, ClusterSink } from '@bt/ws-protocol/broker'
import type { Topology } from './attempt.js'
import { MAX_CHANNELS_PER_COMMAND, RedisNode } from './redis_node.js'
import { slot_of } from './slot.js'

/** The largest message, in bytes. The docstring of `redis` gives the reason. */
const MAX_MESSAGE_BYTES = 8_388_608

/** The state of the link; after its end, the error that later calls reject with. */
type State =
  | { readonly name: 'open'; readonly events: ClusterSink }
  | { readonly name: 'ended'; readonly reason: Error }

/** Channels that fit into one command. */
interface ChannelGroup {
  readonly node: RedisNode
  readonly names: readonly string[]
}

/**
 * A connection to Redis, or to all nodes of a Redis Cluster. It is lost when the connection to any node is
 * lost.
 */
export class RedisLink implements ClusterLink {
  readonly max_bytes: number = MAX_MESSAGE_BYTES
  readonly #nodes: readonly RedisNode[]
  /** The index of the node that serves each slot; `undefined` unless slots matter. */
  readonly #node_of_slot: Uint16Array | undefined
  #state: State

  constructor({ nodes, node_of_slot }: Topology, events: ClusterSink) {
    this.#state = { name: 'open', events }
    this.#node_of_slot = node_of_slot
    const node_events: ClusterSink = {
      received: (channel, bytes) => {
        if (this.#state.name === 'open') this.#state.events.received(channel, bytes)
      },
      refused: error => {
        if (this.#state.name === 'open') this.#state.events.refused(error)
      },
      lost: error => {
        if (this.#state.name !== 'open') return
        this.#end(error)
        events.lost(error)
      },
    }
    this.#nodes = nodes.map(connections => new RedisNode(connections, node_events))
    if (!this.#nodes.every(node => node.is_ready))
      throw new Error('it closed the connection at once: its log may say why')
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    this.#throw_if_ended()
    const groups = this.#group_by_command(channels)
    const outcomes = await Promise.allSettled(groups.map(({ node, names }) => node.subscribe(names)))
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed === undefined) return
    if (this.#state.name === 'open') {
      const subscribed = groups.filter((_, index) => outcomes[index]?.status === 'fulfilled')
      for (const { node, names } of subscribed) node.unsubscribe(names)
    }
    throw this.#reason_or(failed.reason)
  }

  unsubscribe(channels: readonly string[]): void {
    if (this.#state.name === 'ended') return
    for (const { node, names } of this.#group_by_command(channels)) node.unsubscribe(names)
  }

  publish(channel: string, bytes: Uint8Array): void {
    if (this.#state.name === 'ended') return
    const slot = this.#node_of_slot === undefined ? 0 : slot_of(channel)
    this.#node_of(slot).publish(channel, as_buffer(bytes))
  }

  async sync(): Promise<void> {
    this.#throw_if_ended()
    await this.#wait_for_replies()
    // One of the replies may have been an error that ends the link.
    this.#throw_if_ended()
  }

  async close(): Promise<void> {
    if (this.#state.name === 'ended') return
    this.#state = { name: 'ended', reason: new Error('the connection was closed') }
    // The replies can't arrive if a connection is lost or destroyed, and then there is nothing left to wait
    // for.
    await this.#wait_for_replies().catch(() => {})
    this.destroy()
  }

  destroy(): void {
    this.#end(new Error('the connection was destroyed'))
  }

  #end(reason: Error): void {
    if (this.#state.name === 'open') this.#state = { name: 'ended', reason }
    for (const node of this.#nodes) node.destroy()
  }

  #throw_if_ended(): void {
    if (this.#state.name === 'ended') throw this.#state.reason
  }

  async #wait_for_replies(): Promise<void> {
    try {
      await Promise.all(this.#nodes.map(node => node.wait_for_replies()))
    } catch (error) {
      throw this.#reason_or(error as Error)
    }
  }

  /** Returns the reason why the link has ended, or the given error if it is open. */
  #reason_or(error: Error): Error {
    return this.#state.name === 'ended' ? this.#state.reason : error
  }

  #node_of(slot: number): RedisNode {
    return this.#nodes[this.#node_of_slot?.[slot] ?? 0] as RedisNode
  }

  /** Splits channels into groups for one command each, which in a cluster must be of one slot. */
  #group_by_command(channels: readonly string[]): ChannelGroup[] {
    const groups: ChannelGroup[] = []
    const open_groups = new Map<number, string[]>()
    for (const channel of channels) {
      const slot = this.#node_of_slot === undefined ? 0 : slot_of(channel)
      const names = open_groups.get(slot)
      if (names !== undefined && names.length < MAX_CHANNELS_PER_COMMAND) names.push(channel)
      else {
        const new_names = [channel]
        open_groups.set(slot, new_names)
        groups.push({ node: this.#node_of(slot), names: new_names })
      }
    }
    return groups
  }
}

/** Returns the same memory as a Buffer, which node-redis requires. */
function as_buffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
