import { figure_of, type MeasureName, type Results, ratio_of, type Selection } from '../results.js'
import type { SubjectName } from '../subjects/subjects.js'
import { cell_of, type Row, shown, shown_spread, type Table } from './table.js'
import { type FigureView, figures_shown, VIEWS } from './views.js'

/** The subjects with which others are compared, if they were measured. */
const REFERENCES: readonly SubjectName[] = ['ws', 'bun', 'bt_net_other', 'socket.io_redis']

/** Cases that are shown together. */
export interface Group {
  readonly measure: MeasureName
  readonly name: string
  readonly case_names: readonly string[]
  /** The subjects that were measured in it. */
  readonly subjects: Results['subjects']
}

/** Returns the measures with results, in the order of the views. */
export function measures_of({ samples }: Results): MeasureName[] {
  const measured = new Set(samples.map(sample => sample.measure))
  return (Object.keys(VIEWS) as MeasureName[]).filter(measure => measured.has(measure))
}

/** Returns the groups of a measure, in the order of measurement. */
export function groups_of(results: Results, measure: MeasureName): Group[] {
  const samples = results.samples.filter(sample => sample.measure === measure)
  return [...new Set(samples.map(sample => sample.group))].map(name => {
    const mine = samples.filter(sample => sample.group === name)
    const measured = new Set(mine.map(sample => sample.subject))
    return {
      measure,
      name,
      case_names: [...new Set(mine.map(sample => sample.case_name))],
      subjects: results.subjects.filter(subject => measured.has(subject.name)),
    }
  })
}

/** Returns the tables of a group: the main figures, their ratios, and the other figures. */
export function tables_of(results: Results, group: Group): Table[] {
  const { caption, main, others } = figures_shown(group.measure, group.name)
  const title = group.name === '' ? caption : `${caption}, ${group.name}`
  return [
    values_table(results, group, `${title}, ${units_of(main)}`, main),
    ...REFERENCES.flatMap(reference => ratios_table(results, group, reference) ?? []),
    ...(others.length === 0 ? [] : [values_table(results, group, others_title(others), others)]),
  ]
}

function others_title(others: readonly FigureView[]): string {
  if (others.length === 1) return units_of(others)
  return is_mixed(others) ? 'Other figures' : `Other figures, ${units_of(others)}`
}

function is_mixed(figures: readonly FigureView[]): boolean {
  return new Set(figures.map(({ unit }) => unit)).size > 1
}

function units_of(figures: readonly FigureView[]): string {
  return [...new Set(figures.map(({ unit }) => unit))].join(', ')
}

function values_table(results: Results, group: Group, title: string, figures: readonly FigureView[]): Table {
  const { subjects } = group
  const rows = rows_of(group, figures, is_mixed(figures), selection =>
    subjects.map(({ name }) => cell_of(figure_of(results, selection, name)?.median, shown)),
  )
  return { title, columns: subjects.map(({ label }) => label), rows }
}

function ratios_table(results: Results, group: Group, reference: SubjectName): Table | undefined {
  const found = group.subjects.find(({ name }) => name === reference)
  const others = group.subjects.filter(({ name }) => name !== reference)
  if (found === undefined || others.length === 0) return undefined
  const rows = rows_of(group, figures_shown(group.measure, group.name).main, false, selection =>
    others.map(({ name }) => cell_of(ratio_of(results, selection, name, reference), shown_spread)),
  )
  return { title: `Relative to ${found.label}`, columns: others.map(({ label }) => label), rows }
}

/**
 * Returns a row for each case and figure. Its name has the unit if the figures of the table have several
 * units.
 */
function rows_of(
  { measure, name: group, case_names }: Group,
  figures: readonly FigureView[],
  has_units: boolean,
  cells: (selection: Selection) => string[],
): Row[] {
  return case_names.flatMap(case_name =>
    figures.map(({ figure, label, unit }) => {
      const label_and_unit = [label, has_units ? unit : ''].filter(Boolean).join(', ')
      const name = [case_name, label_and_unit].filter(Boolean).join(': ')
      return { name, cells: cells({ measure, group, case_name, figure }) }
    }),
  )
}
