import { CLUSTER_BURSTS } from '../measures/cluster.js'
import { CONNECT_CASE } from '../measures/connect.js'
import { depth_case } from '../measures/echo.js'
import { audience_case, burst_group } from '../measures/fan_out.js'
import { rate_case } from '../measures/latency.js'
import { MEMORY_CASE } from '../measures/memory.js'
import { RATE_GROUP } from '../measures/receipt_times.js'
import { figure_of, label_of, type Results, ratio_of, type Selection } from '../results.js'
import type { Spread } from '../statistics.js'
import { CLUSTERS, type ClusterName } from '../subjects/clusters.js'
import type { SubjectName } from '../subjects/subjects.js'
import { FLOODS, type FloodKind } from '../wire/floods.js'
import { GATE_CASES } from './gate.js'
import { shown_ratio, shown_spread } from './numbers.js'
import type { Table } from './table.js'

type Bound = { readonly at_most: number } | { readonly at_least: number }

/** What the project wants to hold: a bound for how its median compares with another's. */
interface Target extends Selection {
  readonly text: string
  /** Whose it is; `bt_net` where nothing is said. */
  readonly subject?: SubjectName
  /** The subject it is compared with; `undefined` where the figure itself has the bound. */
  readonly against: SubjectName | undefined
  readonly bound: Bound
}

const CPU = 'cpu_us_per_message'
/** Of echo: the gate, and the goal against Bun. */
const ECHO_TARGETS: readonly Target[] = GATE_CASES.flatMap(({ text, gate, bun_goal, ...selection }) => {
  const target = { ...selection, text: `echo, ${text}: CPU per message` }
  return [
    { ...target, against: 'ws', bound: { at_most: gate } },
    ...(bun_goal === undefined ? [] : [{ ...target, against: 'bun', bound: { at_most: bun_goal } } as const]),
  ]
})

function client_target(depth: number, at_most: number): Target {
  return {
    text: `client, ${depth_case(depth)}: CPU per message`,
    measure: 'client',
    group: '',
    case_name: depth_case(depth),
    figure: CPU,
    against: 'ws',
    bound: { at_most },
  }
}

function fan_out_target(burst: 1 | 16, at_most: number): Target {
  return {
    text: `fan-out ${audience_case(1_000)}, ${burst_group(burst)}: CPU per delivery`,
    measure: 'fan_out',
    group: burst_group(burst),
    case_name: audience_case(1_000),
    figure: CPU,
    against: 'ws',
    bound: { at_most },
  }
}

function memory_target(figure: string, text: string, at_most: number): Target {
  return {
    text,
    measure: 'memory',
    group: '',
    case_name: MEMORY_CASE,
    figure,
    against: 'ws',
    bound: { at_most },
  }
}

/** An honest client's worst wait beside a flood: 150 ms above its worst alone. */
function flood_target({ case_name }: FloodKind): Target {
  return {
    text: `honest client ${case_name}: ms above its worst wait alone`,
    measure: 'floods',
    group: '',
    case_name,
    figure: 'worst_added_ms',
    against: undefined,
    bound: { at_most: 150 },
  }
}

/** Of what is published on one server for many sockets on another: five times the deliveries per CPU second, and no later. */
function cluster_targets(subject: ClusterName): Target[] {
  const { label } = CLUSTERS[subject]
  const target = (what: string, group: string, figure: string, at_most: number): Target => ({
    text: `${audience_case(1_000)} ${label.replace('@bt/net ', '')}, ${group}: ${what}`,
    subject,
    measure: 'cluster',
    group,
    case_name: audience_case(1_000),
    figure,
    against: 'socket.io_redis',
    bound: { at_most },
  })
  return [
    ...CLUSTER_BURSTS.map(({ group }) => target('CPU per delivery', group, CPU, 0.2)),
    target('p50', RATE_GROUP, 'p50_us', 1),
    target('p99', RATE_GROUP, 'p99_us', 1),
  ]
}

const TARGETS: readonly Target[] = [
  ...ECHO_TARGETS,
  client_target(1, 0.97),
  client_target(8, 0.28),
  client_target(32, 0.12),
  fan_out_target(1, 0.88),
  fan_out_target(16, 0.06),
  {
    text: `p99 at ${rate_case(0.5)}`,
    measure: 'latency',
    group: '',
    case_name: rate_case(0.5),
    figure: 'p99_us',
    against: 'ws',
    bound: { at_most: 1 },
  },
  memory_target('heap_bytes_per_connection', 'heap per idle connection', 0.7),
  memory_target('rss_bytes_per_connection', 'resident memory per idle connection', 0.9),
  {
    text: 'connections a second',
    measure: 'connect',
    group: '',
    case_name: CONNECT_CASE,
    figure: 'messages_per_s',
    against: 'ws',
    bound: { at_least: 1 },
  },
  {
    text: 'CPU per connection, opened and closed',
    measure: 'connect',
    group: '',
    case_name: CONNECT_CASE,
    figure: CPU,
    against: 'ws',
    bound: { at_most: 1 },
  },
  ...FLOODS.map(flood_target),
  ...cluster_targets('bt_net_nats'),
  ...cluster_targets('bt_net_redis'),
]

/** What the project wants to hold, what was measured, and whether it holds; those of what was not measured are left out. */
export function targets_table(results: Results): Table | undefined {
  const rows = TARGETS.flatMap(target => {
    const { text, subject = 'bt_net', against, bound } = target
    const measured =
      against === undefined
        ? figure_of(results, target, subject)
        : ratio_of(results, target, subject, against)
    if (measured === undefined) return []
    const wanted =
      against === undefined ? bound_text(bound) : `${bound_text(bound)} × ${label_of(results, against)}`
    return [{ name: text, cells: [wanted, shown_spread(measured), verdict(measured, bound)] }]
  })
  if (rows.length === 0) return undefined
  return { title: 'Targets for @bt/net', columns: ['target', 'measured', 'met'], rows }
}

function bound_text(bound: Bound): string {
  return 'at_most' in bound
    ? `at most ${shown_ratio(bound.at_most)}`
    : `at least ${shown_ratio(bound.at_least)}`
}

/** By the median; where rounds disagree, that is said. */
function verdict({ median, least, most }: Spread, bound: Bound): string {
  const is_met = (ratio: number): boolean =>
    'at_most' in bound ? ratio <= bound.at_most : ratio >= bound.at_least
  const do_all_agree = is_met(least) === is_met(most)
  if (is_met(median)) return do_all_agree ? 'yes' : 'yes, not in every round'
  return do_all_agree ? 'no' : 'no, but in some rounds'
}
