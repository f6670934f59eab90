import { BATCH_BYTES, type Batch, type SendQueue } from './send_queue.js'

/** Messages as they were given, for a port over a WebSocket that makes the frames itself. */
export interface MessageBatch extends Batch {
  /** The messages, in order. */
  readonly payloads: readonly (string | Uint8Array)[]
  /** How many bytes they take without headers. */
  readonly payload_bytes: number
}

/** A queue of messages as they are. */
export class MessageQueue implements SendQueue<MessageBatch> {
  #payloads: (string | Uint8Array)[] = []
  #payload_bytes = 0
  #frame_bytes = 0

  get has_full_batch(): boolean {
    return this.#frame_bytes >= BATCH_BYTES
  }

  push(payload: string | Uint8Array, payload_bytes: number, frame_bytes: number): void {
    // Not `slice`, which makes a view where the bytes are a Buffer.
    this.#payloads.push(typeof payload === 'string' ? payload : new Uint8Array(payload))
    this.#payload_bytes += payload_bytes
    this.#frame_bytes += frame_bytes
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
