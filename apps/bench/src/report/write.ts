import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Results } from '../results.js'
import { charts_of } from './charts.js'
import { readme_of } from './readme.js'

/** Writes the page, its charts and all figures into a folder, and returns the names of the files. Charts of an earlier run go. */
export function write_report(results: Results, folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name))
  const files: readonly (readonly [string, string])[] = [
    ['README.md', readme_of(results)],
    ['results.json', json_of(results)],
    ...charts_of(results).map(({ name, svg }) => [name, svg] as const),
  ]
  for (const [name, content] of files) writeFileSync(join(folder, name), content)
  return files.map(([name]) => name)
}

/** What an earlier run has written. Throws where a file holds something else. */
export function read_results(file: string): Results {
  const read = parsed(readFileSync(file, 'utf8'))
  if (is_results(read)) return read
  throw new Error(
    `${file} holds no results of this bench: name the results.json that an earlier run has written`,
  )
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    // No JSON is no results either, which is what is told.
    return undefined
  }
}

function is_results(read: unknown): read is Results {
  return typeof read === 'object' && read !== null && 'samples' in read && Array.isArray(read.samples)
}

/** With a line for each sample, so that two runs can be compared line by line. */
function json_of({ samples, ...others }: Results): string {
  const head = JSON.stringify(others, null, 2).slice(0, -2)
  return `${head},\n  "samples": [\n${samples.map(sample => `    ${JSON.stringify(sample)}`).join(',\n')}\n  ]\n}\n`
}
