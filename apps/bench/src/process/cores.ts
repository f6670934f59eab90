import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Which core is whose. */
export interface Cores {
  /** What is measured; `undefined`: wherever the system puts it. */
  readonly subject: number | undefined
  /** What makes the load, and prints. */
  readonly load: number | undefined
  /** Why there are none, in words; empty where there are two. */
  readonly note: string
}

/** What Linux counts the time of a core in. */
const TICK_US = 10_000

/**
 * The columns of `/proc/stat` that are time of programs: user, nice, system, steal. Interrupts are left out, since it depends on the
 * kernel whose they are.
 */
const WORK_COLUMNS = [1, 2, 3, 8]

/**
 * Chooses a core for the subject, and another for the load: the first and the last that this process may use. Where a core shows
 * as two, these are not two halves of one, unless there are no others.
 */
export function choose_cores(): Cores {
  const has_taskset = process.platform === 'linux' && spawnSync('taskset', ['--version']).status === 0
  return has_taskset
    ? cores_of(allowed_cores(readFileSync('/proc/self/status', 'utf8')))
    : unpinned('taskset is missing (Linux has it in util-linux), and figures vary more')
}

/** The same, of the cores that may be used. */
export function cores_of(allowed: readonly number[]): Cores {
  const [first, last] = [allowed[0], allowed.at(-1)]
  return first === last
    ? unpinned('there is only one, which subject and load share')
    : { subject: last, load: first, note: '' }
}

function unpinned(reason: string): Cores {
  return { subject: undefined, load: undefined, note: `Nothing is pinned to a core: ${reason}.` }
}

/** Keeps this process on the core of the load, out of the subject's way. */
export function pin_this_process({ load }: Cores): void {
  if (load !== undefined) spawnSync('taskset', ['-cp', String(load), String(process.pid)])
}

/** The cores that `/proc/PID/status` lists, such as `0-2,5`. */
export function allowed_cores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  if (list === undefined) return []
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number) as [number, number | undefined]
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** For how long a core has run programs so far, whosever, in microseconds; `undefined` where nobody says. */
export function work_of_core_us(core: number | undefined): number | undefined {
  return core === undefined ? undefined : work_us(readFileSync('/proc/stat', 'utf8'), core)
}

/** The same, read from what `/proc/stat` says. */
export function work_us(stat: string, core: number): number | undefined {
  const columns = new RegExp(`^cpu${core} .*$`, 'm').exec(stat)?.[0].split(' ')
  return columns && WORK_COLUMNS.reduce((sum, column) => sum + Number(columns[column]), 0) * TICK_US
}
