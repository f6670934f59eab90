import { depth_case } from '../measures/echo.js'
import { size_case, sized_case, TEXTS } from '../measures/sizes.js'
import { figure_of, label_of, type Results, ratio_of, type Selection } from '../results.js'
import type { SubjectName } from '../subjects/subjects.js'
import { NOTHING, shown, shown_ratio, shown_spread } from './numbers.js'
import type { Row, Table } from './table.js'

/** Most that echo may take of what another takes: a case, and the bounds for the median of the ratios. */
export interface GateCase extends Selection {
  readonly text: string
  /** Of `ws`: no change may exceed it. */
  readonly gate: number
  /** Of `ws`, and of Bun: what the project wants to reach. */
  readonly goal: number
  readonly bun_goal?: number
}

const KIB = 1024

/** What is measured in the settings of the gate, in this order. */
export const GATE_CASES: readonly GateCase[] = [
  echo_case(1, { gate: 1, goal: 0.95 }),
  echo_case(8, { gate: 0.25, goal: 0.2, bun_goal: 1.8 }),
  echo_case(32, { gate: 0.13, goal: 0.1, bun_goal: 1.6 }),
  sizes_case(KIB, 8, { gate: 0.36, goal: 0.3, bun_goal: 2 }),
  sizes_case(16 * KIB, 8, { gate: 0.45, goal: 0.38, bun_goal: 1.5 }),
  sizes_case(256 * KIB, 2, { gate: 0.38, goal: 0.3, bun_goal: 1.8 }),
  sizes_case(KIB * KIB, 1, { gate: 0.37, goal: 0.33, bun_goal: 1.7 }),
]

type Bounds = Pick<GateCase, 'gate' | 'goal' | 'bun_goal'>

function echo_case(depth: number, bounds: Bounds): GateCase {
  const place = { measure: 'echo', group: '', case_name: depth_case(depth) } as const
  return { ...place, figure: 'cpu_us_per_message', text: `64 B, D = ${depth}`, ...bounds }
}

function sizes_case(bytes: number, depth: number, bounds: Bounds): GateCase {
  const size = size_case(bytes)
  const place = { measure: 'sizes', group: TEXTS, case_name: sized_case(size, depth) } as const
  return { ...place, figure: 'cpu_us_per_message', text: `${size}, D = ${depth}`, ...bounds }
}

/** How echo compares with the others that were measured, beside the gate and the goals. */
export function gate_table(results: Results): Table {
  const others = results.subjects.map(({ name }) => name).filter(name => name !== 'bt_net')
  const rows = [
    ...results.subjects.map(({ name, label }) => cpu_row(results, name, `${label}, µs`)),
    ...others.flatMap(other => ratio_rows(results, other)),
  ]
  const title = 'Echo of texts: CPU time of the server per message, D messages under way on each connection'
  return { title, columns: GATE_CASES.map(({ text }) => text), rows }
}

function cpu_row(results: Results, subject: SubjectName, name: string): Row {
  return row(name, selection => {
    const spread = figure_of(results, selection, subject)
    return spread === undefined ? NOTHING : shown(spread.median)
  })
}

/** The ratio to another, and the bounds for it. */
function ratio_rows(results: Results, other: SubjectName): Row[] {
  const bound = (at_most: number | undefined): string =>
    at_most === undefined ? NOTHING : `≤ ${shown_ratio(at_most)}`
  const ratio_to = (selection: Selection): ReturnType<typeof ratio_of> =>
    ratio_of(results, selection, 'bt_net', other)
  const ratio = row(`@bt/net / ${label_of(results, other)}`, selection => {
    const spread = ratio_to(selection)
    return spread === undefined ? NOTHING : shown_spread(spread)
  })
  if (other === 'bun') return [ratio, row('goal', ({ bun_goal }) => bound(bun_goal))]
  if (other !== 'ws') return [ratio]
  return [
    ratio,
    row('gate', ({ gate }) => bound(gate)),
    row('goal', ({ goal }) => bound(goal)),
    row('met', selection => {
      const median = ratio_to(selection)?.median
      if (median === undefined) return NOTHING
      return median <= selection.goal ? 'goal' : median <= selection.gate ? 'gate' : 'no'
    }),
  ]
}

function row(name: string, cell: (selection: GateCase) => string): Row {
  return { name, cells: GATE_CASES.map(cell) }
}
