/** The middle and the ends of some figures. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** The median, the least and the most; there must be one figure at least. */
export function spread_of(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), least: quantile(sorted, 0), most: quantile(sorted, 1) }
}

/** The median alone. */
export function median(figures: readonly number[]): number {
  return spread_of(figures).median
}

/** The figure below which a share of all lies, between its neighbours where it falls between two. `sorted` is in ascending order. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) throw new RangeError('a quantile needs one figure at least')
  const at = share * (sorted.length - 1)
  const below = sorted[Math.floor(at)] as number
  const above = sorted[Math.ceil(at)] as number
  return below + (above - below) * (at - Math.floor(at))
}

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
export function random_from(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The same things in an order that chance has chosen. */
export function shuffled<Thing>(things: readonly Thing[], random: () => number): Thing[] {
  const result = [...things]
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    const moved = result[last] as Thing
    result[last] = result[other] as Thing
    result[other] = moved
  }
  return result
}
