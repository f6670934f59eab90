import type { Sample } from '../bench.js'
import type { Results } from '../results.js'
import { spread_of } from '../statistics.js'
import { measures_of } from './tables.js'

/** A process that works for more of the time than this has no time left. */
const BUSY = 0.9

/** Where other programs take more of the subject's core than this, figures are not to be trusted. */
const DISTURBED = 0.03

/** What a reader should know before the figures are believed. */
export function doubts_of(results: Results): string[] {
  return [...results.notes, ...limits_of_load(results), ...disturbances(results)]
}

/** Where the load was the limit: what the subject did not do in a second it was not asked for. Its CPU time per message is none the less its own. */
function limits_of_load({ samples, subjects }: Results): string[] {
  const cases = new Map<string, Sample[]>()
  for (const sample of samples) {
    // An open loop spins, and is never idle.
    if (sample.figures.load_cpu_share === undefined || sample.measure === 'latency') continue
    const key = [sample.measure, sample.group, sample.case_name, sample.subject].join('\n')
    cases.set(key, [...(cases.get(key) ?? []), sample])
  }
  const limited = [...cases.values()].flatMap(mine => {
    const share = (figure: string): number =>
      spread_of(mine.map(({ figures }) => figures[figure] ?? 0)).median
    if (share('load_cpu_share') <= BUSY || share('cpu_share') >= BUSY) return []
    const { measure, group, case_name, subject } = mine[0] as Sample
    const label = subjects.find(({ name }) => name === subject)?.label ?? subject
    return [`${[measure, group, case_name].filter(Boolean).join(', ')}: ${label}`]
  })
  return limited.length === 0
    ? []
    : [
        `The load was busier than the subject here, so there messages a second are the load's limit: ${limited.join('; ')}.`,
      ]
}

function disturbances(results: Results): string[] {
  return measures_of(results).flatMap(measure => {
    const known = results.samples.filter(
      ({ measure: its, figures }) => its === measure && figures.others_share !== undefined,
    )
    const total_ms = known.reduce((sum, { figures }) => sum + (figures.elapsed_ms ?? 0), 0)
    const taken_ms = known.reduce(
      (sum, { figures }) => sum + (figures.others_share ?? 0) * (figures.elapsed_ms ?? 0),
      0,
    )
    const share = total_ms === 0 ? 0 : taken_ms / total_ms
    if (share <= DISTURBED) return []
    return [
      `Other programs took ${Math.round(share * 100)} % of the subject's core during ${measure}: measure again on a quiet machine.`,
    ]
  })
}
