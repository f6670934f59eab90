import type { Sample } from './bench.js'

/** Where other programs take more of a core than this, figures are not to be trusted. */
export const DISTURBED = 0.03

/** Figures of how much of a core other programs took, and whose core that is. */
export const OTHERS_SHARES = [
  ['others_share', "the subject's core"],
  ['load_others_share', "the load's"],
] as const

/** Returns how much other programs took, over all the time that was measured: what a core's clock tells of a short time is coarse. */
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

/** Whether other programs took too much of either core. */
export function is_disturbed(samples: readonly Pick<Sample, 'figures'>[]): boolean {
  return OTHERS_SHARES.some(([figure]) => taken_by_others(samples, figure) > DISTURBED)
}
