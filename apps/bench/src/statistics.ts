/** The median and the range of some figures. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Returns the median and the range of at least one figure. */
export function spread_of(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), least: quantile(sorted, 0), most: quantile(sorted, 1) }
}

/** Returns the median of at least one figure. */
export function median(figures: readonly number[]): number {
  return spread_of(figures).median
}

/** Returns a quantile of figures in ascending order, interpolated between two neighbours. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) throw new RangeError('a quantile needs one figure at least')
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] as number
  const above = sorted[Math.ceil(at)] as number
  return below + (above - below) * (at - Math.floor(at))
}

/** Returns a random generator of numbers from 0 to 1, which depend only on the seed (mulberry32). */
export function random_from(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Returns the items in a random order. */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const moved = result[last] as Item
    result[last] = result[other] as Item
    result[other] = moved
  }
  return result
}
