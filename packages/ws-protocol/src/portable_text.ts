import type { TextCodec } from './payload.js'

const REPLACEMENT = 0xfffd

/** UTF-8 in plain ECMAScript, for where a platform has nothing faster (RFC 3629). */
export const portable_text: TextCodec = {
  allocate: size_bytes => new Uint8Array(size_bytes),
  release: () => {},
  byte_length(text) {
    let size = 0
    for (const letter of text) size += encoded_size(scalar_value(letter))
    return size
  },
  write(text, target, offset) {
    let at = offset
    for (const letter of text) at = write_scalar(scalar_value(letter), target, at)
  },
}

/** A lone surrogate is no character: it is written as U+FFFD. */
function scalar_value(letter: string): number {
  const point = letter.codePointAt(0) as number
  return point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point
}

function encoded_size(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4
}

function write_scalar(point: number, target: Uint8Array, offset: number): number {
  const size = encoded_size(point)
  if (size === 1) {
    target[offset] = point
    return offset + 1
  }
  for (let i = size - 1; i > 0; i -= 1) target[offset + i] = 0x80 | ((point >>> (6 * (size - 1 - i))) & 0x3f)
  target[offset] = ((0xf00 >>> size) & 0xff) | (point >>> (6 * (size - 1)))
  return offset + size
}
