import { CLUSTER_BURSTS } from '../measures/cluster.js'
import { CONNECT_CASE } from '../measures/connect.js'
import { depth_case } from '../measures/echo.js'
import { audience_case, burst_group } from '../measures/fan_out.js'
import { rate_case } from '../measures/latency.js'
import { MEMORY_CASE } from '../measures/memory.js'
import { RATE_GROUP } from '../measures/receipt_times.js'
import { size_case } from '../measures/sizes.js'
import { label_of, type Results, ratio_of, type Selection } from '../results.js'
import type { Spread } from '../statistics.js'
import { CLUSTERS, type ClusterName } from '../subjects/clusters.js'
import type { SubjectName } from '../subjects/subjects.js'
import { shown_ratio, shown_spread } from './numbers.js'
import type { Table } from './table.js'

type Bound = { readonly at_most: number } | { readonly at_least: number }

/** What the project wants to hold: a bound for how its median compares with another's. */
interface Target extends Selection {
  readonly text: string
  /** Whose it is; `bt_net` where nothing is said. */
  readonly subject?: SubjectName
  readonly against: SubjectName
  readonly bound: Bound
}

const CPU = 'cpu_us_per_message'
const KIB = 1024

function echo_target(depth: number, against: SubjectName, at_most: number): Target {
  return {
    text: `echo, ${depth_case(depth)}: CPU per message`,
    measure: 'echo',
    group: '',
    case_name: depth_case(depth),
    figure: CPU,
    against,
    bound: { at_most },
  }
}

function size_targets(bytes: number, at_most: number): Target[] {
  return [1, 8].map(depth => ({
    text: `echo of ${size_case(bytes)}, ${depth_case(depth)}: CPU per message`,
    measure: 'sizes',
    group: depth_case(depth),
    case_name: size_case(bytes),
    figure: CPU,
    against: 'ws',
    bound: { at_most },
  }))
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

function memory_target(figure: string, text: string): Target {
  return {
    text,
    measure: 'memory',
    group: '',
    case_name: MEMORY_CASE,
    figure,
    against: 'ws',
    bound: { at_most: 1 },
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
  echo_target(1, 'ws', 1),
  echo_target(8, 'ws', 0.22),
  echo_target(32, 'ws', 0.13),
  echo_target(32, 'bun', 2.9),
  ...size_targets(16, 1),
  ...size_targets(64, 1),
  ...size_targets(KIB, 1),
  ...size_targets(16 * KIB, 1),
  ...size_targets(KIB * KIB, 1.02),
  fan_out_target(1, 0.88),
  fan_out_target(16, 0.07),
  {
    text: `p99 at ${rate_case(0.5)}`,
    measure: 'latency',
    group: '',
    case_name: rate_case(0.5),
    figure: 'p99_us',
    against: 'ws',
    bound: { at_most: 1 },
  },
  memory_target('heap_bytes_per_connection', 'heap per idle connection'),
  memory_target('rss_bytes_per_connection', 'resident memory per idle connection'),
  {
    text: 'connections a second',
    measure: 'connect',
    group: '',
    case_name: CONNECT_CASE,
    figure: 'messages_per_s',
    against: 'ws',
    bound: { at_least: 1 },
  },
  ...cluster_targets('bt_net_nats'),
  ...cluster_targets('bt_net_redis'),
]

/** What the project wants to hold, what was measured, and whether it holds; those of what was not measured are left out. */
export function targets_table(results: Results): Table | undefined {
  const rows = TARGETS.flatMap(target => {
    const { text, subject = 'bt_net', against, bound } = target
    const measured = ratio_of(results, target, subject, against)
    if (measured === undefined) return []
    const wanted = `${bound_text(bound)} × ${label_of(results, against)}`
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
