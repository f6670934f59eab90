import type { Batch } from '../queues/batch.js'

/** A batch that may have to be sent again. */
export interface KeptBatch {
  /** The number of messages. */
  readonly messages: number
  /** Their size as frames, in bytes. */
  readonly frame_bytes: number
  /** Returns a batch of the messages without the first `skip` ones, for one socket. */
  without_first(skip: number): Batch
  /** Returns the messages as the application has sent them. */
  payloads(): readonly (string | Uint8Array)[]
  /** Frees the memory. */
  release(): void
}

/** The messages that a side of a session has written, the oldest first, until the other side has handled them. */
export class KeptMessages {
  #batches: KeptBatch[] = []
  /** How many messages of the oldest batch are handled. */
  #handled = 0
  #bytes = 0

  /** Their size as frames, in bytes. A batch counts as long as one of its messages is not handled. */
  get bytes(): number {
    return this.#bytes
  }

  add(batch: KeptBatch): void {
    this.#batches.push(batch)
    this.#bytes += batch.frame_bytes
  }

  /** Forgets the oldest messages. */
  forget(messages: number): void {
    this.#handled += messages
    let count = 0
    for (const batch of this.#batches) {
      if (batch.messages > this.#handled) break
      this.#handled -= batch.messages
      this.#bytes -= batch.frame_bytes
      batch.release()
      count += 1
    }
    if (count > 0) this.#batches.splice(0, count)
  }

  /** Forgets the oldest messages, and returns them as the application has sent them. */
  take(messages: number): readonly (string | Uint8Array)[] {
    const payloads = this.#batches.flatMap(batch => batch.payloads())
    const taken = payloads.slice(this.#handled, this.#handled + messages)
    this.forget(messages)
    return taken
  }

  /**
   * Returns batches of the messages that there are now, without the first `skip` ones, one after another.
   * Meanwhile, only those that were returned may be forgotten.
   */
  without_first(skip: number): IterableIterator<Batch> {
    return batches_without_first(this.#handled + skip, [...this.#batches])
  }
}

function* batches_without_first(skip: number, batches: readonly KeptBatch[]): Generator<Batch> {
  let left = skip
  for (const batch of batches) {
    if (batch.messages > left) yield batch.without_first(left)
    left = Math.max(left - batch.messages, 0)
  }
}
