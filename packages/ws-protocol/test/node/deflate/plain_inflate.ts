/** The output of DEFLATE data, and the largest distance of its references. */
export interface PlainInflated {
  readonly bytes: Uint8Array
  readonly farthest: number
}

const LENGTHS = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
]
  .concat([163, 195, 227, 258])
  .map((base, index) => [base, index < 8 || index === 28 ? 0 : (index >> 2) - 1] as const)
const DISTANCES = Array.from({ length: 30 }, (_, index) => {
  const extra = index < 4 ? 0 : (index >> 1) - 1
  return [index < 4 ? index + 1 : ((2 + (index & 1)) << extra) + 1, extra] as const
})
const TAIL_BYTES = 4
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/**
 * Unpacks a message with its tail as plainly as RFC 1951 and RFC 7692 are written, to measure what zlib does
 * not show. `before`: what they may refer to.
 */
export function plain_inflate(data: Uint8Array, before: Uint8Array = new Uint8Array(0)): PlainInflated {
  const out = [...before]
  let farthest = 0
  let at = 0
  const bits = (count: number): number => {
    let value = 0
    for (let index = 0; index < count; index += 1, at += 1) {
      value |= ((Number(data[at >> 3]) >> (at & 7)) & 1) << index
    }
    return value
  }
  /** RFC 1951 §3.2.2: codes of each length are counted up, shorter ones first. */
  const code_reader = (lengths: readonly number[]): (() => number) => {
    const symbols = new Map<number, number>()
    let code = 0
    for (let length = 1; length <= 15; length += 1) {
      for (const [symbol, own] of lengths.entries()) {
        if (own !== length) continue
        symbols.set((1 << length) | code, symbol)
        code += 1
      }
      code <<= 1
    }
    return () => {
      // A 1 before the code tells 0 from 00.
      let read = 1
      while (read < 1 << 16) {
        read = (read << 1) | bits(1)
        const symbol = symbols.get(read)
        if (symbol !== undefined) return symbol
      }
      throw new Error('no such code')
    }
  }
  const dynamic_readers = (): [() => number, () => number] => {
    const [literals, distances, counts] = [bits(5) + 257, bits(5) + 1, bits(4) + 4]
    const own = new Array<number>(19).fill(0)
    for (const symbol of ORDER.slice(0, counts)) own[symbol] = bits(3)
    const read = code_reader(own)
    const lengths: number[] = []
    while (lengths.length < literals + distances) {
      const symbol = read()
      if (symbol < 16) lengths.push(symbol)
      else if (symbol === 16) lengths.push(...new Array<number>(bits(2) + 3).fill(Number(lengths.at(-1))))
      else lengths.push(...new Array<number>(symbol === 17 ? bits(3) + 3 : bits(7) + 11).fill(0))
    }
    return [code_reader(lengths.slice(0, literals)), code_reader(lengths.slice(literals))]
  }
  const fixed = Array.from({ length: 288 }, (_, symbol) =>
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8,
  )
  let is_final = false
  while (at < data.length * 8) {
    // RFC 7692 §7.2.1: padding follows a block with BFINAL set; if that was the last, only the tail is left.
    if (is_final) at = (at + 7) & ~7
    if (is_final && data.length - (at >> 3) <= TAIL_BYTES) break
    is_final = bits(1) === 1
    const type = bits(2)
    if (type === 0) {
      at = (at + 7) & ~7
      const length = bits(16)
      if ((bits(16) ^ 0xffff) !== length) throw new Error('no such length')
      out.push(...data.subarray(at >> 3, (at >> 3) + length))
      at += length * 8
      continue
    }
    const [literal, distance_code] =
      type === 1 ? [code_reader(fixed), code_reader(new Array<number>(30).fill(5))] : dynamic_readers()
    for (let symbol = literal(); symbol !== 256; symbol = literal()) {
      if (symbol < 256) {
        out.push(symbol)
        continue
      }
      const [length, length_bits] = LENGTHS[symbol - 257] ?? [0, 0]
      const whole_length = length + bits(length_bits)
      const [base, distance_bits] = DISTANCES[distance_code()] ?? [0, 0]
      const distance = base + bits(distance_bits)
      farthest = Math.max(farthest, distance)
      for (let index = 0; index < whole_length; index += 1) out.push(Number(out[out.length - distance]))
    }
  }
  return { bytes: Uint8Array.from(out.slice(before.length)), farthest }
}
