import type { ClusterLink, ClusterSink } from '@bt/ws-protocol/broker'
import type { Topology } from './attempt.js'
import { MOST_CHANNELS_AT_ONCE, RedisNode } from './redis_node.js'
import { slot_of } from './slot.js'

/** As large as one message may be, in bytes: see {@link redis}. */
const MAX_BYTES = 8_388_608

/** Whether there is somebody to tell; if not, why. */
type State =
  | { readonly name: 'open'; readonly sink: ClusterSink }
  | { readonly name: 'ended'; readonly why: Error }

/** Channels that go with one command. */
interface Group {
  readonly node: RedisNode
  readonly names: readonly string[]
}

/** One connection to Redis, or to all nodes of a Redis Cluster: the loss of one is the loss of all. */
export class RedisLink implements ClusterLink {
  readonly max_bytes: number = MAX_BYTES
  readonly #nodes: readonly RedisNode[]
  /** Which node has each slot, in a cluster. */
  readonly #node_of_slot: Uint16Array | undefined
  #state: State

  constructor({ nodes, node_of_slot }: Topology, sink: ClusterSink) {
    this.#state = { name: 'open', sink }
    this.#node_of_slot = node_of_slot
    const told: ClusterSink = {
      received: (channel, bytes) => {
        if (this.#state.name === 'open') this.#state.sink.received(channel, bytes)
      },
      refused: error => {
        if (this.#state.name === 'open') this.#state.sink.refused(error)
      },
      lost: error => {
        if (this.#state.name !== 'open') return
        this.#end(error)
        sink.lost(error)
      },
    }
    this.#nodes = nodes.map(connections => new RedisNode(connections, told))
    if (!this.#nodes.every(node => node.is_ready))
      throw new Error('it closed the connection at once: its log may say why')
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    this.#throw_if_ended()
    const groups = this.#grouped(channels)
    const outcomes = await Promise.allSettled(groups.map(({ node, names }) => node.subscribe(names)))
    const failed = outcomes.find(outcome => outcome.status === 'rejected')
    if (failed === undefined) return
    if (this.#state.name === 'open') {
      const standing = groups.filter((_, index) => outcomes[index]?.status === 'fulfilled')
      for (const { node, names } of standing) node.unsubscribe(names)
    }
    throw this.#why_not(failed.reason)
  }

  unsubscribe(channels: readonly string[]): void {
    if (this.#state.name === 'ended') return
    for (const { node, names } of this.#grouped(channels)) node.unsubscribe(names)
  }

  publish(channel: string, bytes: Uint8Array): void {
    if (this.#state.name === 'ended') return
    const slot = this.#node_of_slot === undefined ? 0 : slot_of(channel)
    this.#node_of(slot).publish(channel, as_buffer(bytes))
  }

  async sync(): Promise<void> {
    this.#throw_if_ended()
    await this.#settled()
    // An answer may have been that Redis can't do it any more.
    this.#throw_if_ended()
  }

  async close(): Promise<void> {
    if (this.#state.name === 'ended') return
    this.#state = { name: 'ended', why: new Error('the connection was closed') }
    // It ends early when a connection does, or is destroyed.
    await this.#settled().catch(() => {})
    this.destroy()
  }

  destroy(): void {
    this.#end(new Error('the connection was destroyed'))
  }

  #end(why: Error): void {
    if (this.#state.name === 'open') this.#state = { name: 'ended', why }
    for (const node of this.#nodes) node.destroy()
  }

  #throw_if_ended(): void {
    if (this.#state.name === 'ended') throw this.#state.why
  }

  async #settled(): Promise<void> {
    try {
      await Promise.all(this.#nodes.map(node => node.settled()))
    } catch (error) {
      throw this.#why_not(error as Error)
    }
  }

  /** Why the connection has ended, where that is what something failed for. */
  #why_not(error: Error): Error {
    return this.#state.name === 'ended' ? this.#state.why : error
  }

  #node_of(slot: number): RedisNode {
    return this.#nodes[this.#node_of_slot?.[slot] ?? 0] as RedisNode
  }

  /** What one command may hold: not too many channels, and in a cluster those of one slot. */
  #grouped(channels: readonly string[]): Group[] {
    const groups: Group[] = []
    const open_groups = new Map<number, string[]>()
    for (const channel of channels) {
      const slot = this.#node_of_slot === undefined ? 0 : slot_of(channel)
      const names = open_groups.get(slot)
      if (names !== undefined && names.length < MOST_CHANNELS_AT_ONCE) names.push(channel)
      else {
        const begun = [channel]
        open_groups.set(slot, begun)
        groups.push({ node: this.#node_of(slot), names: begun })
      }
    }
    return groups
  }
}

/** The same bytes as node-redis takes them. */
function as_buffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
