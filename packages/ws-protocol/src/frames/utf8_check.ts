const CONTINUATION_LOW = 0x80
const CONTINUATION_HIGH = 0xbf

/** Checks UTF-8 that comes in pieces, as strictly as RFC 3629 §4: what is wrong is found in the piece where it stands. */
export class Utf8Check {
  /** How many bytes the character still takes that the last piece ended in. */
  #missing = 0
  /** What its next byte may be. */
  #low = CONTINUATION_LOW
  #high = CONTINUATION_HIGH

  /** Whether no character is cut off. */
  get is_complete(): boolean {
    return this.#missing === 0
  }

  /**
   * Whether the bytes from `start` to `end` may come next. `is_utf8`: the quickest way of the platform to check whole characters.
   */
  accepts(bytes: Uint8Array, start: number, end: number, is_utf8: (bytes: Uint8Array) => boolean): boolean {
    let at = start
    for (; this.#missing > 0 && at < end; at += 1) if (!this.#step(bytes[at] as number)) return false
    const tail = tail_start(bytes, at, end)
    if (at < tail && !is_utf8(bytes.subarray(at, tail))) return false
    for (let i = tail; i < end; i += 1) if (!this.#step(bytes[i] as number)) return false
    return true
  }

  /** RFC 3629 §4, byte by byte; behind a whole character, what comes here is never ASCII. */
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
    // No overlong forms, no surrogates, nothing above U+10FFFF.
    if (byte === 0xe0) this.#low = 0xa0
    else if (byte === 0xed) this.#high = 0x9f
    else if (byte === 0xf0) this.#low = 0x90
    else if (byte === 0xf4) this.#high = 0x8f
    return true
  }
}

const LONGEST_CHARACTER = 4

/** Returns where a character starts that may be cut off at `end`; `end` if none is. */
function tail_start(bytes: Uint8Array, from: number, end: number): number {
  const first = Math.max(from, end - LONGEST_CHARACTER + 1)
  for (let at = end - 1; at >= first; at -= 1) {
    const byte = bytes[at] as number
    if (byte < 0x80) return end
    if (byte >= 0xc0) return at
  }
  return end
}
