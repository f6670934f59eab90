const NOTHING = new Uint8Array(0)

/**
 * The end of what a peer has sent so far, which its next message may refer to (RFC 7692 §7.1.1). zlib is given it as a dictionary for each message: a
 * stream that is kept could neither say whether a message is complete nor go on behind a block with BFINAL set.
 */
export class DeflateContext {
  readonly #most_bytes: number
  #memory: Uint8Array = NOTHING
  #size = 0

  constructor(window_bits: number) {
    this.#most_bytes = 1 << window_bits
  }

  /** What is kept; it changes with the next `add`. `undefined` if there is nothing. */
  get bytes(): Uint8Array | undefined {
    return this.#size === 0 ? undefined : this.#memory.subarray(0, this.#size)
  }

  get held_bytes(): number {
    return this.#memory.length
  }

  /** Adds a message, unpacked, and forgets what is too long ago. */
  add(message: Uint8Array): void {
    const latest = message.subarray(Math.max(0, message.length - this.#most_bytes))
    const kept = Math.min(this.#size, this.#most_bytes - latest.length)
    this.#make_room(kept + latest.length)
    if (kept < this.#size) this.#memory.copyWithin(0, this.#size - kept, this.#size)
    this.#memory.set(latest, kept)
    this.#size = kept + latest.length
  }

  /** Lets go of everything. */
  clear(): void {
    this.#memory = NOTHING
    this.#size = 0
  }

  #make_room(size: number): void {
    if (size <= this.#memory.length) return
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#most_bytes, Math.max(size, 2 * this.#memory.length)))
    larger.set(this.#memory.subarray(0, this.#size))
    this.#memory = larger
  }
}

/** Returns the last bytes of several parts, as a dictionary for what follows them. */
export function end_of(parts: readonly Uint8Array[], window_bits: number): Uint8Array {
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
