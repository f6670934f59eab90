import { CLUSTER_BURSTS, RATE_GROUP } from '../measures/cluster.js'
import { figure_of, label_of, type MeasureName, type Results, ratio_of, type Selection } from '../results.js'
import type { Spread } from '../statistics.js'
import type { SubjectName } from '../subjects/subjects.js'
import { FLOODS } from '../wire/floods.js'
import { GATE_CASES } from './gate.js'
import { shown_ratio, shown_spread, type Table } from './table.js'

type Bound = { readonly at_most: number } | { readonly at_least: number }

/**
 * A target of the project: a bound for the median of a figure, or of its ratio to that of another subject.
 */
interface Target extends Selection {
  readonly text: string
  readonly subject: SubjectName
  /** The subject to compare with; `undefined` if the bound is for the figure itself. */
  readonly against: SubjectName | undefined
  readonly bound: Bound
}

const CPU = 'cpu_us_per_message'

/** Returns a target of `bt_net` against `ws`, with other properties in `others`. */
function target(
  text: string,
  measure: MeasureName,
  case_name: string,
  at_most: number,
  others: Partial<Target> = {},
): Target {
  const usual = { group: '', figure: CPU, subject: 'bt_net', against: 'ws', bound: { at_most } } as const
  return { text, measure, case_name, ...usual, ...others }
}

/** The gate of echo, and its goal against Bun. */
const ECHO_TARGETS = GATE_CASES.flatMap(({ text, gate, bun_goal, measure, group, case_name }) => {
  const target_text = `echo, ${text}: CPU per message`
  const against_ws = target(target_text, measure, case_name, gate, { group })
  return bun_goal === undefined
    ? [against_ws]
    : [against_ws, target(target_text, measure, case_name, bun_goal, { group, against: 'bun' })]
})

/**
 * Returns the targets of a cluster: five times the deliveries of socket.io per CPU second, without more
 * delay.
 */
function cluster_targets(subject: SubjectName, broker: string): Target[] {
  const of = (label: string, group: string, figure: string, at_most: number): Target => {
    const others = { group, figure, subject, against: 'socket.io_redis' } as const
    return target(`to 1,000 over ${broker}, ${group}: ${label}`, 'cluster', 'to 1,000', at_most, others)
  }
  return [
    ...CLUSTER_BURSTS.map(({ group }) => of('CPU per delivery', group, CPU, 0.2)),
    of('p50', RATE_GROUP, 'p50_us', 1),
    of('p99', RATE_GROUP, 'p99_us', 1),
  ]
}

const [ONE, SIXTEEN] = ['one message', '16 messages in a turn']
const [HEAP, RESIDENT] = ['heap_bytes_per_connection', 'rss_bytes_per_connection']

const TARGETS: readonly Target[] = [
  ...ECHO_TARGETS,
  target('client, 1 under way: CPU per message', 'client', '1 under way', 0.97),
  target('client, 8 under way: CPU per message', 'client', '8 under way', 0.28),
  target('client, 32 under way: CPU per message', 'client', '32 under way', 0.12),
  target(`fan-out to 1,000, ${ONE}: CPU per delivery`, 'fan_out', 'to 1,000', 0.88, { group: ONE }),
  target(`fan-out to 1,000, ${SIXTEEN}: CPU per delivery`, 'fan_out', 'to 1,000', 0.06, { group: SIXTEEN }),
  target('p99 at 50 % of the ws maximum', 'latency', '50 % of the ws maximum', 1, { figure: 'p99_us' }),
  target('heap per idle connection', 'memory', 'idle', 0.7, { figure: HEAP }),
  target('resident memory per idle connection', 'memory', 'idle', 0.9, { figure: RESIDENT }),
  target('connections a second', 'connect', 'connections', 1, {
    figure: 'messages_per_s',
    bound: { at_least: 1 },
  }),
  target('CPU per connection, opened and closed', 'connect', 'connections', 1),
  ...FLOODS.map(({ case_name }) =>
    target(`honest client ${case_name}: ms above its worst wait alone`, 'floods', case_name, 150, {
      figure: 'worst_added_ms',
      against: undefined,
    }),
  ),
  ...cluster_targets('bt_net_nats', 'NATS'),
  ...cluster_targets('bt_net_redis', 'Redis'),
]

/** Returns a table of the targets that were measured, with the results and whether they meet the targets. */
export function targets_table(results: Results): Table | undefined {
  const rows = TARGETS.flatMap(each => {
    const { text, subject, against, bound } = each
    const measured =
      against === undefined ? figure_of(results, each, subject) : ratio_of(results, each, subject, against)
    if (measured === undefined) return []
    const target_text = bound_text(bound) + (against === undefined ? '' : ` × ${label_of(results, against)}`)
    return [{ name: text, cells: [target_text, shown_spread(measured), verdict(measured, bound)] }]
  })
  if (rows.length === 0) return undefined
  return { title: 'Targets for @bt/net', columns: ['target', 'measured', 'met'], rows }
}

function bound_text(bound: Bound): string {
  return 'at_most' in bound
    ? `at most ${shown_ratio(bound.at_most)}`
    : `at least ${shown_ratio(bound.at_least)}`
}

/** Returns whether the median meets the bound, and whether single rounds differ from it. */
function verdict({ median, least, most }: Spread, bound: Bound): string {
  const is_met = (ratio: number): boolean =>
    'at_most' in bound ? ratio <= bound.at_most : ratio >= bound.at_least
  const do_all_agree = is_met(least) === is_met(most)
  if (is_met(median)) return do_all_agree ? 'yes' : 'yes, not in every round'
  return do_all_agree ? 'no' : 'no, but in some rounds'
}
