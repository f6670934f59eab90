import type { Results } from '../results.js'
import { doubts_of } from './doubts.js'
import { gate_table } from './gate.js'
import { this_run } from './readme.js'
import { text_of } from './table.js'
import { groups_of, measures_of, tables_of } from './tables.js'
import { targets_table } from './targets.js'
import { VIEWS } from './views.js'

/** All of a run as plain text, for a terminal. */
export function report_text(results: Results): string {
  const targets = targets_table(results)
  return [
    ...measures_of(results).map(measure => {
      const tables = groups_of(results, measure).flatMap(group => tables_of(results, group))
      return [VIEWS[measure].title.toUpperCase(), ...tables.map(text_of)].join('\n\n')
    }),
    ...(targets === undefined ? [] : [text_of(targets)]),
    ...ending_of(results),
  ].join('\n\n')
}

/** The gate alone, as plain text. */
export function gate_text(results: Results): string {
  return [text_of(gate_table(results)), ...ending_of(results)].join('\n\n')
}

function ending_of(results: Results): string[] {
  const doubts = doubts_of(results)
  return [this_run(results), ...(doubts.length === 0 ? [] : [doubts.map(doubt => `! ${doubt}`).join('\n')])]
}
