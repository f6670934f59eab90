import { cpus, release, totalmem } from 'node:os'
import type { Settings } from './settings.js'
import { type Spread, spread_of } from './statistics.js'
import type { Subject, SubjectName } from './subjects/subjects.js'

/** The measures, by the names that `--only` accepts. */
export const MEASURE_NAMES = [
  'echo',
  'sizes',
  'tls',
  'fan_out',
  'connect',
  'memory',
  'latency',
  'many',
  'floods',
  'client',
  'compression',
  'cluster',
] as const

export type MeasureName = (typeof MEASURE_NAMES)[number]

/** The measured values, by names that end with their units. */
export type Figures = Readonly<Record<string, number>>

/** The figures of one case in one round. */
export interface CaseFigures {
  /** The name of the cases that are shown together for comparison. */
  readonly group: string
  readonly case_name: string
  readonly figures: Figures
}

/** The figures of one case of a measure, for one subject in one round. */
export interface Sample extends CaseFigures {
  readonly measure: MeasureName
  readonly subject: SubjectName
  readonly round: number
}

/** The machine on which a run was measured. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memory_bytes: number
  readonly kernel: string
  readonly node: string
}

/** The results of a run: the content of `results.json`. */
export interface Results {
  readonly date: string
  readonly seed: number
  readonly machine: Machine
  readonly settings: Settings
  /** How many figures were measured again because other programs used part of a core. */
  readonly measured_again: number
  /** Problems and restrictions of the run. */
  readonly notes: readonly string[]
  readonly subjects: readonly Pick<Subject, 'name' | 'label' | 'version'>[]
  readonly samples: readonly Sample[]
}

/** Selects a figure of one case in all rounds. */
export interface Selection {
  readonly measure: MeasureName
  readonly group: string
  readonly case_name: string
  readonly figure: string
}

/** Describes this machine. */
export function this_machine(): Machine {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memory_bytes: totalmem(),
    kernel: `${process.platform} ${release()}`,
    node: process.version,
  }
}

/** Throws an error unless new figures can stand beside earlier results. */
export function check_comparable(
  earlier: Results,
  now: Pick<Results, 'machine' | 'settings' | 'subjects'>,
): void {
  for (const part of ['machine', 'settings', 'subjects'] as const)
    if (JSON.stringify(earlier[part]) !== JSON.stringify(now[part]))
      throw new Error(`the earlier results have other ${part}: measure everything again`)
}

/** Returns earlier results with the measures of a later run in place of their own. */
export function with_measured_again(earlier: Results, later: Results): Results {
  const measured = new Set(later.samples.map(({ measure }) => measure))
  return {
    ...later,
    measured_again: earlier.measured_again + later.measured_again,
    notes: [...new Set([...earlier.notes, ...later.notes])],
    samples: [...earlier.samples.filter(({ measure }) => !measured.has(measure)), ...later.samples],
  }
}

/** Returns the label of a subject. */
export function label_of({ subjects }: Results, name: SubjectName): string {
  return subjects.find(subject => subject.name === name)?.label ?? name
}

/** Returns a figure of a subject over all rounds; `undefined` if it was not measured. */
export function figure_of(results: Results, selection: Selection, subject: SubjectName): Spread | undefined {
  const figures = [...by_round(results, selection, subject).values()]
  return figures.length === 0 ? undefined : spread_of(figures)
}

/** Returns the ratio of a subject's figure to that of another in the same round, over all rounds. */
export function ratio_of(
  results: Results,
  selection: Selection,
  subject: SubjectName,
  against: SubjectName,
): Spread | undefined {
  const others = by_round(results, selection, against)
  const ratios = [...by_round(results, selection, subject)].flatMap(([round, figure]) => {
    const other = others.get(round)
    return other === undefined ? [] : [figure / other]
  })
  return ratios.length === 0 ? undefined : spread_of(ratios)
}

function by_round(
  { samples }: Results,
  { measure, group, case_name, figure }: Selection,
  subject: SubjectName,
): Map<number, number> {
  const found = new Map<number, number>()
  for (const sample of samples) {
    const is_selected =
      sample.measure === measure &&
      sample.group === group &&
      sample.case_name === case_name &&
      sample.subject === subject
    const value = sample.figures[figure]
    if (is_selected && value !== undefined) found.set(sample.round, value)
  }
  return found
}
