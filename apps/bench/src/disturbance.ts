import type { Figures, Sample } from './results.js'

/** If other programs take more of a core than this, figures are not reliable. */
export const DISTURBED = 0.03

/** Figures of how much of a core other programs took, and whose core that is. */
export const OTHERS_SHARES = [
  ['others_share', "the subject's core"],
  ['load_others_share', "the load's"],
] as const

/** Returns how much other programs took, over all the time that was measured: a core's clock is coarse. */
export function taken_by_others(
  samples: readonly Pick<Sample, 'figures'>[],
  figure: (typeof OTHERS_SHARES)[number][0],
): number {
  let total_ms = 0
  let taken_ms = 0
  for (const { figures } of samples) {
    const share = figures[figure]
    if (share === undefined) continue
    total_ms += figures.elapsed_ms as number
    taken_ms += share * (figures.elapsed_ms as number)
  }
  return total_ms === 0 ? 0 : taken_ms / total_ms
}

/** How often a figure is measured at most. */
const MOST_TRIES = 8

/** How long the first wait takes, so that what disturbs may end; each further one takes twice as long. */
const FIRST_WAIT_MS = 250

/** Measures a figure again, after a wait, while other programs take part of a core. */
export class Repeats {
  #left: number
  /** How many were made so far. */
  made = 0

  /** Makes at most `most` repeats, of all figures together. */
  constructor(most: number) {
    this.#left = most
  }

  /** Measures until little is taken of either core, or no tries are left, and returns the least disturbed figures. */
  async least_disturbed(measure: () => Promise<Figures>): Promise<Figures> {
    let best = await measure()
    let wait_ms = FIRST_WAIT_MS
    for (let tries = 1; tries < MOST_TRIES && this.#left > 0 && most_taken(best) > DISTURBED; tries += 1) {
      this.#left -= 1
      this.made += 1
      await new Promise(resolve => setTimeout(resolve, wait_ms))
      wait_ms *= 2
      const figures = await measure()
      if (most_taken(figures) < most_taken(best)) best = figures
    }
    return best
  }
}

/** The larger of the two shares. */
function most_taken(figures: Figures): number {
  return Math.max(...OTHERS_SHARES.map(([figure]) => figures[figure] ?? 0))
}
