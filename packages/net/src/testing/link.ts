import type { Clock } from '@bt/ws-protocol/internal'
import { Lane, type LaneConditions, type LaneEvents } from './lane.js'
import type { MemoryStream } from './memory_stream.js'

/** One of the two ends of a connection. */
export type Side = 'client' | 'server'

/** Connects two streams, and makes trouble between them. */
export class MemoryLink implements LaneConditions {
  /** How long each byte is under way, in milliseconds; applies to what is sent from now on. */
  latency_ms: number
  /** How many bytes pass in a second, in each direction. */
  bytes_per_second: number
  readonly buffer_bytes: number
  readonly #streams: Readonly<Record<Side, MemoryStream>>
  readonly #to: Readonly<Record<Side, Lane>>

  constructor(
    streams: Readonly<Record<Side, MemoryStream>>,
    conditions: LaneConditions,
    clock: Clock,
    events: Pick<LaneEvents, 'later' | 'moved'>,
  ) {
    this.latency_ms = conditions.latency_ms
    this.bytes_per_second = conditions.bytes_per_second
    this.buffer_bytes = conditions.buffer_bytes
    this.#streams = streams
    const lane_to = (side: Side, sender: Side): Lane =>
      new Lane(streams[side], this, clock, {
        ...events,
        refused: () => events.later(() => this.#reset(sender)),
      })
    this.#to = { client: lane_to('client', 'server'), server: lane_to('server', 'client') }
    streams.client.connect(this.#to.server, this.#to.client)
    streams.server.connect(this.#to.client, this.#to.server)
  }

  /** Whether both ends still exist. */
  get is_open(): boolean {
    return !this.#streams.client.destroyed && !this.#streams.server.destroyed
  }

  /** Whether one end still exists. */
  get is_alive(): boolean {
    return !this.#streams.client.destroyed || !this.#streams.server.destroyed
  }

  /** Delivers nothing any more to one side, or to both, until {@link MemoryLink.thaw}; no side notices. */
  freeze(side?: Side): void {
    for (const lane of this.#lanes(side)) lane.freeze()
  }

  /** Delivers again to one side, or to both, beginning with what was under way. */
  thaw(side?: Side): void {
    for (const lane of this.#lanes(side)) lane.thaw()
  }

  /**
   * Cuts the connection: both sides see a reset (`ECONNRESET`), and what was under way is lost. With a side,
   * only that one sees it; the other hears nothing any more, as when a machine loses its power.
   */
  cut(seen_by?: Side): void {
    this.freeze()
    for (const side of seen_by === undefined ? (['client', 'server'] as const) : [seen_by]) this.#reset(side)
  }

  #reset(side: Side): void {
    const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    this.#streams[side].destroy(error)
  }

  #lanes(side: Side | undefined): readonly Lane[] {
    return side === undefined ? [this.#to.client, this.#to.server] : [this.#to[side]]
  }
}
