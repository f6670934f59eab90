import type { Figures, Sample } from './results.js'

/** If other programs use a larger share of a core than this, figures are not reliable. */
export const DISTURBED = 0.03

/** The figures with the shares of a core that other programs used, each with the name of the core. */
export const OTHERS_SHARES = [
  ['others_share', "the subject's core"],
  ['load_others_share', "the load's"],
] as const

/**
 * Returns the share that other programs used in all samples together, because the clock of a core is coarse.
 */
export function share_of_others(
  samples: readonly Pick<Sample, 'figures'>[],
  figure: (typeof OTHERS_SHARES)[number][0],
): number {
  let total_ms = 0
  let used_ms = 0
  for (const { figures } of samples) {
    const share = figures[figure]
    if (share === undefined) continue
    total_ms += figures.elapsed_ms as number
    used_ms += share * (figures.elapsed_ms as number)
  }
  return total_ms === 0 ? 0 : used_ms / total_ms
}

/** How many times a figure is measured at most. */
const MAX_TRIES = 5

/** The wait before the first repeat, in which the disturbance may end. Each further wait is twice as long. */
const FIRST_WAIT_MS = 250

/** Measures a figure again, after a wait, while other programs use too much of a core. */
export class Repeats {
  #left: number
  /** How many repeats were made so far. */
  made = 0

  /** Allows at most `max` repeats, for all figures together. */
  constructor(max: number) {
    this.#left = max
  }

  /**
   * Measures until neither core is disturbed or no repeats are left, and returns the least disturbed figures.
   */
  async least_disturbed(measure: () => Promise<Figures>): Promise<Figures> {
    let best = await measure()
    let wait_ms = FIRST_WAIT_MS
    for (
      let tries = 1;
      tries < MAX_TRIES && this.#left > 0 && max_share_of_others(best) > DISTURBED;
      tries += 1
    ) {
      this.#left -= 1
      this.made += 1
      await new Promise(resolve => setTimeout(resolve, wait_ms))
      wait_ms *= 2
      const figures = await measure()
      if (max_share_of_others(figures) < max_share_of_others(best)) best = figures
    }
    return best
  }
}

/** Returns the larger share that other programs used of one of the cores. */
function max_share_of_others(figures: Figures): number {
  return Math.max(...OTHERS_SHARES.map(([figure]) => figures[figure] ?? 0))
}
