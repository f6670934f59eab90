import type { Clock, OptionRule } from '@bt/ws-protocol/internal'
import { bytes_rule, check_argument, latency_rule } from './arguments.js'
import { Lane, type LaneConditions, type LaneEvents } from './lane.js'
import type { MemoryStream } from './memory_stream.js'

/** One of the two ends of a connection. */
export type Side = 'client' | 'server'

const SIDES: readonly Side[] = ['client', 'server']

const side_rule: OptionRule<Side> = {
  expects: "'client', 'server', or nothing for both",
  accepts: value => SIDES.includes(value as Side),
}

/** Connects two streams, and makes trouble between them. */
export class MemoryLink implements LaneConditions {
  readonly buffer_bytes: number
  #latency_ms: number
  #bytes_per_second: number
  readonly #streams: Readonly<Record<Side, MemoryStream>>
  readonly #to: Readonly<Record<Side, Lane>>

  constructor(
    streams: Readonly<Record<Side, MemoryStream>>,
    conditions: LaneConditions,
    clock: Clock,
    events: Pick<LaneEvents, 'later' | 'moved'>,
  ) {
    this.#latency_ms = conditions.latency_ms
    this.#bytes_per_second = conditions.bytes_per_second
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
    // An assignment to a name that it does not have throws.
    Object.freeze(this)
  }

  /** How long each byte is under way, in milliseconds; applies to what is sent from now on. */
  get latency_ms(): number {
    return this.#latency_ms
  }

  set latency_ms(ms: number) {
    check_argument('latency_ms', ms, latency_rule)
    this.#latency_ms = ms
  }

  /** How many bytes pass in a second, in each direction; applies to what is sent from now on. */
  get bytes_per_second(): number {
    return this.#bytes_per_second
  }

  set bytes_per_second(bytes: number) {
    check_argument('bytes_per_second', bytes, bytes_rule)
    this.#bytes_per_second = bytes
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
    for (const lane of this.#lanes('freeze', side)) lane.freeze()
  }

  /** Delivers again to one side, or to both, beginning with what was under way. */
  thaw(side?: Side): void {
    for (const lane of this.#lanes('thaw', side)) lane.thaw()
  }

  /**
   * Cuts the connection: both sides see a reset (`ECONNRESET`), and what was under way is lost. With a side,
   * only that one sees it; the other hears nothing any more, as when a machine loses its power.
   */
  cut(seen_by?: Side): void {
    const sides = sides_of('cut', seen_by)
    this.freeze()
    for (const side of sides) this.#reset(side)
  }

  #reset(side: Side): void {
    const error = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' })
    this.#streams[side].destroy(error)
  }

  #lanes(call: string, side: Side | undefined): readonly Lane[] {
    return sides_of(call, side).map(each => this.#to[each])
  }
}

/** Returns the side that was given to a call, or both. */
function sides_of(call: string, side: Side | undefined): readonly Side[] {
  if (side === undefined) return SIDES
  check_argument(call, side, side_rule)
  return [side]
}
