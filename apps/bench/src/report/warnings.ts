import { DISTURBED, OTHERS_SHARES, share_of_others } from '../disturbance.js'
import { figure_of, type Results } from '../results.js'
import { groups_of, measures_of } from './tables.js'

/** A process that uses a larger share of its core than this is at its limit. */
const BUSY = 0.9

/**
 * If the delay of the load is a larger part of p99 than this, p99 says more about the machine than the
 * subject.
 */
const LATE = 0.5

/** Returns what a reader should know before trusting the figures. */
export function warnings_of(results: Results): string[] {
  return [
    ...results.notes,
    ...(results.measured_again > 0
      ? [`Measured again because other programs used part of a core: ${results.measured_again} figures.`]
      : []),
    ...warning_about(
      "In these cases the load was the limit rather than the subject, so messages/s are the load's",
      cases_where(results, was_limit),
    ),
    ...warning_about(
      'In these cases the load itself was late by half of p99 or more, so latency says more about the machine than the subject',
      cases_where(results, was_late),
    ),
    ...disturbances_of(results),
  ]
}

function warning_about(problem: string, cases: readonly string[]): string[] {
  return cases.length === 0 ? [] : [`${problem}: ${cases.join('; ')}.`]
}

/** Returns whether the load limited the rate. The CPU time of the subject per message is valid even then. */
function was_limit(median: (figure: string) => number | undefined): boolean {
  const [share, load_share] = [median('cpu_share'), median('load_cpu_share')]
  // An open loop polls the clock, and is never idle.
  if (share === undefined || load_share === undefined || median('late_p99_us') !== undefined) return false
  return load_share > BUSY && share < BUSY
}

function was_late(median: (figure: string) => number | undefined): boolean {
  const [late_us, p99_us] = [median('late_p99_us'), median('p99_us')]
  return late_us !== undefined && p99_us !== undefined && late_us > p99_us * LATE
}

/** Returns the cases and subjects whose medians satisfy a condition. */
function cases_where(
  results: Results,
  condition: (median: (figure: string) => number | undefined) => boolean,
): string[] {
  return measures_of(results).flatMap(measure =>
    groups_of(results, measure).flatMap(({ name: group, case_names, subjects }) =>
      case_names.flatMap(case_name =>
        subjects
          .filter(({ name }) =>
            condition(figure => figure_of(results, { measure, group, case_name, figure }, name)?.median),
          )
          .map(({ label }) => `${[measure, group, case_name].filter(Boolean).join(', ')}: ${label}`),
      ),
    ),
  )
}

/** Returns the measures that other programs disturbed so much that the figures should not be published. */
export function disturbances_of(results: Results): string[] {
  return measures_of(results).flatMap(measure => {
    const samples = results.samples.filter(sample => sample.measure === measure)
    const cores = OTHERS_SHARES.map(([figure, core]) => [core, share_of_others(samples, figure)] as const)
    const disturbed = cores.filter(([, share]) => share > DISTURBED)
    if (disturbed.length === 0) return []
    const shares = disturbed.map(([core, share]) => `${Math.round(share * 100)} % of ${core}`).join(' and ')
    return [`Other programs took ${shares} during ${measure}: measure again on a quiet machine.`]
  })
}
