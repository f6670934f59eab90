import type { Sample } from '../bench.js'
import { label_of, type Results } from '../results.js'
import { spread_of } from '../statistics.js'
import { measures_of } from './tables.js'

/** A process that works for more of the time than this has no time left. */
const BUSY = 0.9

/** Where other programs take more of a core than this, figures are not to be trusted. */
const DISTURBED = 0.03

/** What a reader should know before the figures are believed. */
export function doubts_of(results: Results): string[] {
  return [...results.notes, ...limits_of_load(results), ...disturbances(results)]
}

/** Where the load was the limit: what the subject did not do in a second it was not asked for. Its CPU time per message is none the less its own. */
function limits_of_load(results: Results): string[] {
  const cases = new Map<string, Sample[]>()
  for (const sample of results.samples) {
    // An open loop spins, and is never idle.
    if (sample.figures.load_cpu_share === undefined || sample.measure === 'latency') continue
    const key = [sample.measure, sample.group, sample.case_name, sample.subject].join('\n')
    cases.set(key, [...(cases.get(key) ?? []), sample])
  }
  const limited = [...cases.values()].flatMap(mine => {
    const share = (figure: string): number =>
      spread_of(mine.map(({ figures }) => figures[figure] as number)).median
    if (share('load_cpu_share') <= BUSY || share('cpu_share') >= BUSY) return []
    const { measure, group, case_name, subject } = mine[0] as Sample
    return [`${[measure, group, case_name].filter(Boolean).join(', ')}: ${label_of(results, subject)}`]
  })
  return limited.length === 0
    ? []
    : [
        `The load was busier than the subject here, so there messages a second are the load's limit: ${limited.join('; ')}.`,
      ]
}

function disturbances(results: Results): string[] {
  return measures_of(results).flatMap(measure => {
    const samples = results.samples.filter(sample => sample.measure === measure)
    const cores = [
      ["the subject's core", taken_by_others(samples, 'others_share')],
      ["the load's", taken_by_others(samples, 'load_others_share')],
    ] as const
    const taken = cores.filter(([, share]) => share > DISTURBED)
    if (taken.length === 0) return []
    const shares = taken.map(([core, share]) => `${Math.round(share * 100)} % of ${core}`).join(' and ')
    return [`Other programs took ${shares} during ${measure}: measure again on a quiet machine.`]
  })
}

/** Over all the time that was measured: what a core's clock tells of a short time is coarse. */
function taken_by_others(samples: readonly Sample[], figure: string): number {
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
