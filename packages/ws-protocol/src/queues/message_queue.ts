import { header_size } from '../frames/frame.js'
import { utf8_length } from '../frames/utf8.js'
import { BATCH_BYTES, type Batch } from './batch.js'
import type { SendQueue } from './send_queue.js'

/** Messages without frames, for a port over a WebSocket that does its own framing. */
export interface MessageBatch extends Batch {
  /** The messages, in order. */
  readonly payloads: readonly (string | Uint8Array)[]
  /** Their size without headers, in bytes. */
  readonly payload_bytes: number
}

/** A queue of messages without frames. */
export class MessageQueue implements SendQueue {
  readonly #is_masked: boolean
  #payloads: (string | Uint8Array)[] = []
  #payload_bytes = 0
  #frame_bytes = 0

  constructor(is_masked: boolean) {
    this.#is_masked = is_masked
  }

  get has_full_batch(): boolean {
    return this.#frame_bytes >= BATCH_BYTES
  }

  push(payload: string | Uint8Array, room_bytes: number): number {
    const payload_bytes = typeof payload === 'string' ? utf8_length(payload) : payload.byteLength
    const frame_bytes = header_size(payload_bytes, this.#is_masked) + payload_bytes
    if (frame_bytes > room_bytes) return frame_bytes
    // `slice` would not copy a Buffer but make a view of it.
    this.#payloads.push(typeof payload === 'string' ? payload : new Uint8Array(payload))
    this.#payload_bytes += payload_bytes
    this.#frame_bytes += frame_bytes
    return frame_bytes
  }

  take(): MessageBatch | undefined {
    const payloads = this.#payloads
    if (payloads.length === 0) return undefined
    const batch = {
      payloads,
      messages: payloads.length,
      payload_bytes: this.#payload_bytes,
      frame_bytes: this.#frame_bytes,
    }
    this.#payloads = []
    this.#payload_bytes = this.#frame_bytes = 0
    return batch
  }
}
