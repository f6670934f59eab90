import { own_frame_end, whole_frames_end } from '@bt/ws-protocol/internal'
import { DATA_OVERHEAD_BYTES, type RelayMessage } from './relay_message.js'

/** How many bytes may be on their way to the other server. */
const WINDOW_BYTES = 262_144
/** The largest piece of data, in bytes. */
const PIECE_BYTES = 65_536

/** Sends messages of one relay to the other server. */
export interface RelaySender {
  /** The most bytes of one message. */
  readonly max_bytes: number
  send(message: RelayMessage): void
}

/** Carries frames between two servers: in pieces, in order, and no more than a window at a time. */
export class RelayChannel {
  readonly #sender: RelaySender
  #in_flight_bytes = 0
  #sent_pieces = 0
  #received_pieces = 0
  /** The start of a frame whose end has not arrived. */
  #rest: Uint8Array = new Uint8Array(0)

  constructor(sender: RelaySender) {
    this.#sender = sender
  }

  /** Whether the window has room. */
  get has_room(): boolean {
    return this.#in_flight_bytes < WINDOW_BYTES
  }

  /** Sends whole frames. What exceeds the window at once is sent nevertheless, and fills the next one. */
  send(frames: Uint8Array): void {
    this.#in_flight_bytes += frames.length
    const piece_bytes = Math.min(PIECE_BYTES, this.#sender.max_bytes - DATA_OVERHEAD_BYTES)
    for (let at = 0; at < frames.length; at += piece_bytes) {
      const bytes = frames.subarray(at, at + piece_bytes)
      this.#sender.send({ type: 'data', number: this.#sent_pieces, bytes })
      this.#sent_pieces += 1
    }
  }

  /** The other server has passed on that many bytes. Returns whether the window has room again. */
  credited(bytes: number): boolean {
    const had_room = this.has_room
    this.#in_flight_bytes -= bytes
    return !had_room && this.has_room
  }

  /** Allows the other server to send that many bytes in addition. */
  credit(bytes: number): void {
    this.#sender.send({ type: 'credit', bytes })
  }

  /** Takes a piece; returns the frames that are whole now, or `undefined` if pieces are missing before it. */
  receive(number: number, piece: Uint8Array): Uint8Array | undefined {
    if (number !== this.#received_pieces) return undefined
    this.#received_pieces += 1
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const end = whole_frames_end(bytes)
    this.#rest = bytes.subarray(end)
    return bytes.subarray(0, end)
  }
}

/** Returns the number of whole frames. */
export function count_frames(frames: Uint8Array): number {
  let count = 0
  for (let at = 0; at < frames.length; at = own_frame_end(frames, at)) count += 1
  return count
}
