import { figure_of, label_of, type MeasureName, type Results, ratio_of, type Selection } from '../results.js'
import { cell_of, type Row, shown, shown_ratio, shown_spread, type Table } from './table.js'

/** A case of echo, with the bounds for the median of its ratios. */
export interface GateCase extends Selection {
  readonly text: string
  /** The ratio to `ws` that no change may exceed. */
  readonly gate: number
  /** The ratios to `ws` and to Bun that the project aims for. */
  readonly goal: number
  readonly bun_goal: number | undefined
}

/** The cases that the settings of the gate measure, in this order. */
export const GATE_CASES: readonly GateCase[] = [
  gate_case('64 B, D = 1', 'echo', '1 under way', 1, 0.95),
  gate_case('64 B, D = 8', 'echo', '8 under way', 0.25, 0.2, 1.8),
  gate_case('64 B, D = 32', 'echo', '32 under way', 0.13, 0.1, 1.6),
  gate_case('1 KiB, D = 8', 'sizes', '1 KiB, 8 under way', 0.36, 0.3, 2),
  gate_case('16 KiB, D = 8', 'sizes', '16 KiB, 8 under way', 0.45, 0.38, 1.5),
  gate_case('256 KiB, D = 2', 'sizes', '256 KiB, 2 under way', 0.38, 0.3, 1.8),
  gate_case('1 MiB, D = 1', 'sizes', '1 MiB, 1 under way', 0.37, 0.33, 1.7),
]

function gate_case(
  text: string,
  measure: MeasureName,
  case_name: string,
  gate: number,
  goal: number,
  bun_goal?: number,
): GateCase {
  const group = measure === 'sizes' ? 'texts' : ''
  return { text, measure, group, case_name, figure: 'cpu_us_per_message', gate, goal, bun_goal }
}

/** Returns a table of the ratios of echo to other subjects, with the gate and the goals. */
export function gate_table(results: Results): Table {
  const others = results.subjects.map(({ name }) => name).filter(name => name !== 'bt_net')
  const rows = [
    ...results.subjects.map(({ name, label }) =>
      row(`${label}, µs`, each => cell_of(figure_of(results, each, name)?.median, shown)),
    ),
    ...others.flatMap(other => {
      const ratio_to = (each: GateCase): ReturnType<typeof ratio_of> =>
        ratio_of(results, each, 'bt_net', other)
      const ratio = row(`@bt/net / ${label_of(results, other)}`, each =>
        cell_of(ratio_to(each), shown_spread),
      )
      const bound = (name: 'gate' | 'goal', of: (each: GateCase) => number | undefined): Row =>
        row(name, each => cell_of(of(each), at_most => `≤ ${shown_ratio(at_most)}`))
      if (other === 'bun') return [ratio, bound('goal', ({ bun_goal }) => bun_goal)]
      if (other !== 'ws') return [ratio]
      const met = row('met', each =>
        cell_of(ratio_to(each)?.median, median =>
          median <= each.goal ? 'goal' : median <= each.gate ? 'gate' : 'no',
        ),
      )
      return [ratio, bound('gate', ({ gate }) => gate), bound('goal', ({ goal }) => goal), met]
    }),
  ]
  const title = 'Echo of texts: CPU time of the server per message, D messages under way on each connection'
  return { title, columns: GATE_CASES.map(({ text }) => text), rows }
}

function row(name: string, cell: (each: GateCase) => string): Row {
  return { name, cells: GATE_CASES.map(cell) }
}
