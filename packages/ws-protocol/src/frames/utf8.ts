/**
 * Returns the length of `text` as UTF-8 in bytes (RFC 3629). A lone surrogate counts as the U+FFFD that is
 * sent in its place.
 */
export function utf8_length(text: string): number {
  let size = text.length
  for (let i = 0; i < text.length; i += 1) {
    const point = text.codePointAt(i) as number
    if (point > 0x7f) size += point > 0x7ff ? 2 : 1
    if (point > 0xffff) i += 1
  }
  return size
}
