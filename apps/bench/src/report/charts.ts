import type { MeasureName } from '../results.js'
import { figure_of, type Results } from '../results.js'
import type { SubjectName } from '../subjects/subjects.js'
import { type Bar, svg_of } from './chart.js'
import { type Group, groups_of, measures_of } from './tables.js'
import { figures_shown, VIEWS } from './views.js'

/** A chart as a file. */
export interface ChartFile {
  readonly name: string
  readonly title: string
  readonly measure: MeasureName
  readonly group: string
  readonly svg: string
}

/** The colors also differ in lightness, and are visible on light and dark backgrounds. */
const COLORS: Readonly<Record<SubjectName, string>> = {
  bt_net: '#2f6feb',
  bt_net_other: '#8250df',
  ws: '#768390',
  ws_bufferutil: '#a8b3bf',
  'socket.io': '#c4783c',
  bun: '#d4499a',
  raw: '#2da44e',
  bt_net_nats: '#2f6feb',
  bt_net_redis: '#6cb6ff',
  'socket.io_redis': '#c4783c',
  'socket.io_sharded': '#e0a070',
}

/** Returns a chart for each group and main figure. */
export function charts_of(results: Results): ChartFile[] {
  return measures_of(results).flatMap(measure =>
    groups_of(results, measure).flatMap(group => charts_of_group(results, group)),
  )
}

function charts_of_group(results: Results, group: Group): ChartFile[] {
  const { title } = VIEWS[group.measure]
  const { caption, main } = figures_shown(group.measure, group.name)
  return main.map(({ figure, label, unit }) => {
    const full_title = [title, group.name, label].filter(Boolean).join(', ')
    const groups = group.case_names.map(case_name => ({
      label: case_name,
      bars: group.subjects.flatMap(({ name, label: subject }): Bar[] => {
        const selection = { measure: group.measure, group: group.name, case_name, figure }
        const spread = figure_of(results, selection, name)
        return spread === undefined ? [] : [{ label: subject, color: COLORS[name], spread }]
      }),
    }))
    return {
      name: `${[group.measure, group.name, label].filter(Boolean).join('_').replace(/\W+/g, '_')}.svg`,
      title: full_title,
      measure: group.measure,
      group: group.name,
      svg: svg_of({ title: full_title, caption: `${caption}, ${unit}`, groups }),
    }
  })
}
