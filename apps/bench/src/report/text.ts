import type { Results } from '../results.js'
import { doubts_of } from './doubts.js'
import { this_run } from './readme.js'
import { text_of } from './table.js'
import { groups_of, measures_of, tables_of } from './tables.js'
import { targets_table } from './targets.js'
import { VIEWS } from './views.js'

/** All of a run as plain text, for a terminal. */
export function report_text(results: Results): string {
  const targets = targets_table(results)
  const doubts = doubts_of(results)
  return [
    ...measures_of(results).map(measure => {
      const tables = groups_of(results, measure).flatMap(group => tables_of(results, group))
      return [VIEWS[measure].title.toUpperCase(), ...tables.map(text_of)].join('\n\n')
    }),
    ...(targets === undefined ? [] : [text_of(targets)]),
    this_run(results),
    ...(doubts.length === 0 ? [] : [doubts.map(doubt => `! ${doubt}`).join('\n')]),
  ].join('\n\n')
}
