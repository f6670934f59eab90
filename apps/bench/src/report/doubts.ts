import { DISTURBED, OTHERS_SHARES, taken_by_others } from '../disturbance.js'
import { figure_of, type Results } from '../results.js'
import { groups_of, measures_of } from './tables.js'

/** A process that works for more of the time than this has no time left. */
const BUSY = 0.9

/** Where the load itself is late by more than this part of p99, that tells of the machine more than of the subject. */
const LATE = 0.5

/** What a reader should know before the figures are believed. */
export function doubts_of(results: Results): string[] {
  return [
    ...results.notes,
    ...told(
      "In these cases the load was the limit rather than the subject, so messages/s are the load's",
      cases_where(results, was_limit),
    ),
    ...told(
      'In these cases the load itself was late by half of p99 or more, so latency says more about the machine than the subject',
      cases_where(results, was_late),
    ),
    ...disturbances_of(results),
  ]
}

function told(what: string, cases: readonly string[]): string[] {
  return cases.length === 0 ? [] : [`${what}: ${cases.join('; ')}.`]
}

/** Whether what the subject did not do in a second was not asked of it. Its CPU time per message is none the less its own. */
function was_limit(median: (figure: string) => number | undefined): boolean {
  const [share, load_share] = [median('cpu_share'), median('load_cpu_share')]
  // An open loop spins, and is never idle.
  if (share === undefined || load_share === undefined || median('late_p99_us') !== undefined) return false
  return load_share > BUSY && share < BUSY
}

function was_late(median: (figure: string) => number | undefined): boolean {
  const [late_us, p99_us] = [median('late_p99_us'), median('p99_us')]
  return late_us !== undefined && p99_us !== undefined && late_us > p99_us * LATE
}

/** The cases of those subjects of which that is so, by the medians of their figures. */
function cases_where(
  results: Results,
  is_so: (median: (figure: string) => number | undefined) => boolean,
): string[] {
  return measures_of(results).flatMap(measure =>
    groups_of(results, measure).flatMap(({ name: group, case_names, subjects }) =>
      case_names.flatMap(case_name =>
        subjects
          .filter(({ name }) =>
            is_so(figure => figure_of(results, { measure, group, case_name, figure }, name)?.median),
          )
          .map(({ label }) => `${[measure, group, case_name].filter(Boolean).join(', ')}: ${label}`),
      ),
    ),
  )
}

/** Where other programs took so much that the figures are not fit to be published. */
export function disturbances_of(results: Results): string[] {
  return measures_of(results).flatMap(measure => {
    const samples = results.samples.filter(sample => sample.measure === measure)
    const cores = OTHERS_SHARES.map(([figure, core]) => [core, taken_by_others(samples, figure)] as const)
    const taken = cores.filter(([, share]) => share > DISTURBED)
    if (taken.length === 0) return []
    const shares = taken.map(([core, share]) => `${Math.round(share * 100)} % of ${core}`).join(' and ')
    return [`Other programs took ${shares} during ${measure}: measure again on a quiet machine.`]
  })
}
