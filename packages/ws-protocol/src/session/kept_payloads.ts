import type { MessageBatch } from '../queues/message_queue.js'
import type { KeptMessages } from './kept_messages.js'

/** Keeps messages without frames. A batch counts whole as long as one of its messages is not handled. */
export class KeptPayloads implements KeptMessages {
  #batches: MessageBatch[] = []
  /** How many messages of the oldest batch are handled. */
  #handled = 0
  bytes = 0

  add(batch: MessageBatch): MessageBatch {
    this.#batches.push(batch)
    this.bytes += batch.frame_bytes
    return batch
  }

  forget(messages: number): void {
    this.#handled += messages
    for (let batch = this.#batches[0]; batch && batch.messages <= this.#handled; batch = this.#batches[0]) {
      this.#handled -= batch.messages
      this.bytes -= batch.frame_bytes
      this.#batches.shift()
    }
  }

  take(messages: number): readonly (string | Uint8Array)[] {
    const payloads = this.#batches.flatMap(batch => batch.payloads)
    const taken = payloads.slice(this.#handled, this.#handled + messages)
    this.forget(messages)
    return taken.map(payload => (typeof payload === 'string' ? payload : payload.subarray(1)))
  }

  without_first(skip: number): IterableIterator<MessageBatch> {
    return batches_without_first(this.#handled + skip, [...this.#batches])
  }
}

function* batches_without_first(
  skip: number,
  batches: readonly MessageBatch[],
): Generator<MessageBatch, undefined> {
  let left = skip
  for (const { messages, payloads, frame_bytes, payload_bytes } of batches) {
    const rest = payloads.slice(left)
    // Only their sum counts, as a limit, so the share of each message is not worth knowing.
    const share = rest.length / messages
    if (rest.length > 0)
      yield {
        messages: rest.length,
        payloads: rest,
        frame_bytes: Math.ceil(frame_bytes * share),
        payload_bytes: Math.ceil(payload_bytes * share),
      }
    left = Math.max(left - messages, 0)
  }
  return undefined
}
