import type { CancelTimer, Clock } from '@bt/ws-protocol/internal'
import { next_tick } from '@bt/ws-protocol/internal/node'
import type { MemoryStream, Receiving, Sending } from './memory_stream.js'

/** How a connection treats the bytes of both directions. */
export interface LaneConditions {
  /** How long each byte is under way, in milliseconds. */
  readonly latency_ms: number
  /** How many bytes pass in a second. */
  readonly bytes_per_second: number
  /** How many bytes may be under way or unread before a write has to wait, as in the buffers of a kernel. */
  readonly buffer_bytes: number
}

/** What a lane reports to its network. */
export interface LaneEvents {
  /** Runs `task` in a later turn of the event loop. */
  later(task: () => void): void
  /** Called when bytes were sent or received. */
  moved(): void
  /** Called when bytes arrived at an end that is gone: the sender has to learn that. */
  refused(): void
}

/** The largest number of bytes that arrive at once, as from a kernel. */
const MAX_PIECE_BYTES = 65_536

/** Bytes under way; without `bytes`, the end of the direction. */
interface Parcel {
  readonly bytes?: Buffer
  readonly due_ms: number
}

/** A write that has to wait for room. */
interface WaitingWrite {
  readonly bytes: Buffer
  /** Where the part begins that has no room yet. */
  at: number
  readonly done: () => void
}

/** One direction of a connection in memory. It delivers in a later turn of the event loop, as a network does. */
export class Lane implements Sending, Receiving {
  readonly #receiver: MemoryStream
  readonly #conditions: LaneConditions
  readonly #clock: Clock
  readonly #events: LaneEvents
  readonly #parcels: Parcel[] = []
  readonly #waiting: WaitingWrite[] = []
  #bytes_under_way = 0
  #free_at_ms = 0
  #is_ended = false
  #is_frozen = false
  #is_receiver_full = false
  #is_delivery_due = false
  #cancel_timer: CancelTimer | undefined

  constructor(receiver: MemoryStream, conditions: LaneConditions, clock: Clock, events: LaneEvents) {
    this.#receiver = receiver
    this.#conditions = conditions
    this.#clock = clock
    this.#events = events
  }

  send(bytes: Buffer, done: () => void): void {
    this.#waiting.push({ bytes, at: 0, done })
    this.#take_waiting()
  }

  end(): void {
    if (this.#is_ended) return
    this.#is_ended = true
    // A stream that is destroyed takes what had no room yet with it.
    this.#waiting.length = 0
    this.#push({ due_ms: this.#due_ms(0) })
  }

  resume(): void {
    this.#is_receiver_full = false
    this.#deliver_later()
  }

  stop(): void {
    this.#cancel_timer?.()
    if (this.#bytes_under_way > 0 && !this.#is_frozen) this.#events.refused()
  }

  /** Delivers nothing until {@link Lane.thaw}. */
  freeze(): void {
    this.#is_frozen = true
  }

  /** Delivers again, beginning with what was under way. */
  thaw(): void {
    this.#is_frozen = false
    this.#deliver_later()
  }

  /** Takes what waits, piece by piece, as far as there is room. */
  #take_waiting(): void {
    for (let write = this.#waiting[0]; write !== undefined; write = this.#waiting[0]) {
      const { bytes, at, done } = write
      const room = this.#conditions.buffer_bytes - this.#bytes_under_way
      // The bytes belong to the writer once it has been called back.
      const piece = Buffer.from(bytes.subarray(at, at + Math.max(0, Math.min(room, MAX_PIECE_BYTES))))
      if (piece.length > 0) {
        this.#bytes_under_way += piece.length
        this.#push({ bytes: piece, due_ms: this.#due_ms(piece.length) })
      }
      write.at += piece.length
      if (write.at < bytes.length && piece.length === 0) return
      if (write.at === bytes.length) {
        this.#waiting.shift()
        // As for a kernel that has room.
        next_tick(done)
      }
    }
  }

  #due_ms(bytes: number): number {
    const { latency_ms, bytes_per_second } = this.#conditions
    const now_ms = this.#clock.now_ms()
    this.#free_at_ms = Math.max(now_ms, this.#free_at_ms) + (bytes / bytes_per_second) * 1000
    return this.#free_at_ms + latency_ms
  }

  #push(parcel: Parcel): void {
    this.#events.moved()
    this.#parcels.push(parcel)
    this.#deliver_later()
  }

  #deliver_later(): void {
    if (this.#is_delivery_due || this.#is_frozen || this.#parcels.length === 0) return
    this.#is_delivery_due = true
    this.#events.later(() => {
      this.#is_delivery_due = false
      this.#deliver()
    })
  }

  #deliver(): void {
    for (let parcel = this.#parcels[0]; parcel !== undefined; parcel = this.#parcels[0]) {
      if (this.#is_frozen || (this.#is_receiver_full && parcel.bytes !== undefined)) return
      const wait_ms = parcel.due_ms - this.#clock.now_ms()
      if (wait_ms > 0) {
        this.#deliver_after(wait_ms)
        return
      }
      this.#parcels.shift()
      this.#events.moved()
      this.#receive(parcel)
    }
  }

  #deliver_after(wait_ms: number): void {
    this.#cancel_timer?.()
    this.#cancel_timer = this.#clock.start_timer(wait_ms, () => this.#deliver())
  }

  #receive({ bytes }: Parcel): void {
    const receiver = this.#receiver
    if (bytes === undefined) {
      if (!receiver.destroyed) receiver.push(null)
      return
    }
    this.#bytes_under_way -= bytes.length
    if (receiver.destroyed) this.#events.refused()
    else {
      receiver.bytesRead += bytes.length
      this.#is_receiver_full = !receiver.push(bytes)
    }
    this.#take_waiting()
  }
}
