const WORD_BYTES = 4
/** From this size on, masking by words is faster. */
const LARGE_BYTES = 64

/** A byte or a word with any of these bits is not all ASCII. */
export const NOT_ASCII: number = 0x80808080 | 0

const key_bytes = new Uint8Array(WORD_BYTES)
const key_word = new Int32Array(key_bytes.buffer)

const NO_WORDS: Int32Array = new Int32Array(0)

/** A view of a chunk's buffer as words, kept for further large payloads of the chunk. */
let viewed_buffer: ArrayBufferLike | undefined
let words: Int32Array = NO_WORDS

function words_of(bytes: Uint8Array): Int32Array {
  const { buffer } = bytes
  if (buffer !== viewed_buffer) {
    viewed_buffer = buffer
    words = new Int32Array(buffer, 0, buffer.byteLength >>> 2)
  }
  return words
}

/** Releases the buffer that was masked last. */
export function release_words(): void {
  viewed_buffer = undefined
  words = NO_WORDS
}

/**
 * Masks or unmasks the bytes from `start` to `end` in place (RFC 6455 §5.3). `key` is a big-endian 32-bit
 * number, whose first byte applies to the byte at `start`. Returns all resulting bytes OR-ed together, to be
 * tested with {@link NOT_ASCII}.
 */
export function mask(bytes: Uint8Array, start: number, end: number, key: number): number {
  const k0 = key >>> 24
  const k1 = (key >>> 16) & 0xff
  const k2 = (key >>> 8) & 0xff
  const k3 = key & 0xff
  let all = 0
  let at = start
  if (end - start >= LARGE_BYTES) {
    const base = bytes.byteOffset
    key_bytes[(base + start) & 3] = k0
    key_bytes[(base + start + 1) & 3] = k1
    key_bytes[(base + start + 2) & 3] = k2
    key_bytes[(base + start + 3) & 3] = k3
    const word_key = key_word[0] as number
    for (; ((base + at) & 3) !== 0; at += 1)
      all |= bytes[at] = (bytes[at] as number) ^ (key_bytes[(base + at) & 3] as number)
    const view = words_of(bytes)
    const last = (base + end) >>> 2
    all |= mask_words(view, (base + at) >>> 2, last, word_key)
    at = last * WORD_BYTES - base
    for (; at < end; at += 1)
      all |= bytes[at] = (bytes[at] as number) ^ (key_bytes[(base + at) & 3] as number)
    return all
  }
  for (const fours_end = end - 3; at < fours_end; at += WORD_BYTES) {
    all |= bytes[at] = (bytes[at] as number) ^ k0
    all |= bytes[at + 1] = (bytes[at + 1] as number) ^ k1
    all |= bytes[at + 2] = (bytes[at + 2] as number) ^ k2
    all |= bytes[at + 3] = (bytes[at + 3] as number) ^ k3
  }
  if (at < end) all |= bytes[at] = (bytes[at] as number) ^ k0
  if (at + 1 < end) all |= bytes[at + 1] = (bytes[at + 1] as number) ^ k1
  if (at + 2 < end) all |= bytes[at + 2] = (bytes[at + 2] as number) ^ k2
  return all
}

/** Masks eight words at a time, which saves a quarter of the time. */
function mask_words(words: Int32Array, from: number, to: number, key: number): number {
  let all = 0
  let i = from
  for (const eights_end = to - 7; i < eights_end; i += 8) {
    const a = (words[i] as number) ^ key
    const b = (words[i + 1] as number) ^ key
    const c = (words[i + 2] as number) ^ key
    const d = (words[i + 3] as number) ^ key
    const e = (words[i + 4] as number) ^ key
    const f = (words[i + 5] as number) ^ key
    const g = (words[i + 6] as number) ^ key
    const h = (words[i + 7] as number) ^ key
    words[i] = a
    words[i + 1] = b
    words[i + 2] = c
    words[i + 3] = d
    words[i + 4] = e
    words[i + 5] = f
    words[i + 6] = g
    words[i + 7] = h
    all |= a | b | c | d | e | f | g | h
  }
  for (; i < to; i += 1) all |= words[i] = (words[i] as number) ^ key
  return all
}

/** Returns the key for a payload that continues `count` bytes further on. */
export function rotate_key(key: number, count: number): number {
  const bits = (count & 3) * 8
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits))
}
