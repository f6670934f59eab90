/**
 * Returns a percentile by the nearest-rank method; `undefined` without values.
 *
 * @param sorted - in ascending order
 * @param part - from 0 to 1; 0.5 is the median
 */
export function percentile(sorted: ArrayLike<number>, part: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)]
}
