import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Which core is whose. */
export interface Cores {
  /** What is measured. */
  readonly subject: number | undefined
  /** What makes the load, and prints. */
  readonly load: number | undefined
  /** Why there is none, in words; empty where there are two. */
  readonly note: string
}

/**
 * Chooses a core for the subject, and another for the load. The first and the last that this process may use: where a core shows
 * as two, these are not the two halves of one.
 */
export function choose_cores(): Cores {
  const unpinned = (note: string): Cores => ({ subject: undefined, load: undefined, note })
  if (process.platform !== 'linux' || spawnSync('taskset', ['--version']).status !== 0)
    return unpinned(
      'Not pinned to cores, since taskset is missing (Linux has it in util-linux): figures vary more.',
    )
  const allowed = allowed_cores(readFileSync('/proc/self/status', 'utf8'))
  const [first, last] = [allowed[0], allowed.at(-1)]
  if (first === undefined || last === first)
    return unpinned('Not pinned to cores, since there is only one: subject and load take turns on it.')
  return { subject: last, load: first, note: '' }
}

/** Keeps this process on a core. */
export function pin_this_process({ load }: Cores): void {
  if (load !== undefined) spawnSync('taskset', ['-cp', String(load), String(process.pid)])
}

/** The cores that `/proc/PID/status` lists, such as `0-2,5`. */
export function allowed_cores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? ''
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number)
    if (first === undefined || last === undefined || range === '') return []
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}
