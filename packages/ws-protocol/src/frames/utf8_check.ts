const CONTINUATION_LOW = 0x80
const CONTINUATION_HIGH = 0xbf

/**
 * Checks UTF-8 that arrives in pieces, as strictly as RFC 3629 §4. An error is found in the piece that
 * contains it.
 */
export class Utf8Check {
  /** How many bytes the last character still lacks. */
  #missing = 0
  /** The range of its next byte. */
  #low = CONTINUATION_LOW
  #high = CONTINUATION_HIGH

  /** Whether no character is cut off. */
  get is_complete(): boolean {
    return this.#missing === 0
  }

  /**
   * Whether the bytes from `start` to `end` may come next. `is_utf8` is the platform's fastest check of
   * complete characters.
   */
  accepts(bytes: Uint8Array, start: number, end: number, is_utf8: (bytes: Uint8Array) => boolean): boolean {
    let at = start
    for (; this.#missing > 0 && at < end; at += 1) if (!this.#step(bytes[at] as number)) return false
    const tail = tail_start(bytes, at, end)
    if (at < tail && !is_utf8(bytes.subarray(at, tail))) return false
    for (let i = tail; i < end; i += 1) if (!this.#step(bytes[i] as number)) return false
    return true
  }

  /** Checks one byte by RFC 3629 §4. A byte that starts a character is never ASCII here. */
  #step(byte: number): boolean {
    if (this.#missing > 0) {
      if (byte < this.#low || byte > this.#high) return false
      this.#missing -= 1
      this.#low = CONTINUATION_LOW
      this.#high = CONTINUATION_HIGH
      return true
    }
    if (byte < 0xc2 || byte > 0xf4) return false
    this.#missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    // This excludes overlong forms, surrogates, and anything above U+10FFFF.
    if (byte === 0xe0) this.#low = 0xa0
    else if (byte === 0xed) this.#high = 0x9f
    else if (byte === 0xf0) this.#low = 0x90
    else if (byte === 0xf4) this.#high = 0x8f
    return true
  }
}

const LONGEST_CHARACTER = 4

/** Returns the start of a character that may be cut off at `end`, or `end` if there is none. */
function tail_start(bytes: Uint8Array, from: number, end: number): number {
  const first = Math.max(from, end - LONGEST_CHARACTER + 1)
  for (let at = end - 1; at >= first; at -= 1) {
    const byte = bytes[at] as number
    if (byte < 0x80) return end
    if (byte >= 0xc0) return at
  }
  return end
}
