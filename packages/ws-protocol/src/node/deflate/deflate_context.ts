const NOTHING = new Uint8Array(0)

/**
 * The most recent output of a peer's messages, which its next message may refer to (RFC 7692 §7.1.1). zlib
 * gets it as a dictionary for each message: a stream kept across messages could neither report whether a
 * message is complete nor continue after a block with BFINAL set.
 */
export class DeflateContext {
  readonly #max_bytes: number
  #memory: Uint8Array = NOTHING
  #size = 0

  constructor(window_bits: number) {
    this.#max_bytes = 1 << window_bits
  }

  /** Returns the context, which changes with the next `add`; `undefined` if it is empty. */
  get bytes(): Uint8Array | undefined {
    return this.#size === 0 ? undefined : this.#memory.subarray(0, this.#size)
  }

  get held_bytes(): number {
    return this.#memory.length
  }

  /** Adds a decompressed message, and drops bytes that are out of the window. */
  add(message: Uint8Array): void {
    const latest = message.subarray(Math.max(0, message.length - this.#max_bytes))
    const kept = Math.min(this.#size, this.#max_bytes - latest.length)
    this.#make_room(kept + latest.length)
    if (kept < this.#size) this.#memory.copyWithin(0, this.#size - kept, this.#size)
    this.#memory.set(latest, kept)
    this.#size = kept + latest.length
  }

  clear(): void {
    this.#memory = NOTHING
    this.#size = 0
  }

  #make_room(size: number): void {
    if (size <= this.#memory.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#max_bytes, Math.max(size, 2 * this.#memory.length)))
    larger.set(this.#memory.subarray(0, this.#size))
    this.#memory = larger
  }
}

/** Returns the last bytes of several parts, as a dictionary for the data behind them. */
export function dictionary_of(parts: readonly Uint8Array[], window_bits: number): Uint8Array {
  const context = new DeflateContext(window_bits)
  let size = 0
  let first = parts.length
  while (first > 0 && size < 1 << window_bits) {
    first -= 1
    size += parts[first]?.length ?? 0
  }
  for (const part of parts.slice(first)) context.add(part)
  return context.bytes ?? NOTHING
}
