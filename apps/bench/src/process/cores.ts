import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The cores of a run. */
export interface Cores {
  /** The core of the subject; `undefined` if it is not pinned. */
  readonly subject: number | undefined
  /** The core of the load and of the main process. */
  readonly load: number | undefined
  /** Why nothing is pinned; empty if both cores are chosen. */
  readonly note: string
}

/** The unit in which Linux counts the time of a core. */
const TICK_US = 10_000

/**
 * The columns of `/proc/stat` with the time of programs: user, nice, system, steal. Interrupts are left out,
 * because the kernel decides to which process they are charged.
 */
const WORK_COLUMNS = [1, 2, 3, 8]

/**
 * Chooses a core for the subject and another for the load: the last and the first that this process may use.
 * With hyper-threading, these are not two threads of one core, unless there are no other cores.
 */
export function choose_cores(): Cores {
  const has_taskset = process.platform === 'linux' && spawnSync('taskset', ['--version']).status === 0
  return has_taskset
    ? cores_of(allowed_cores(readFileSync('/proc/self/status', 'utf8')))
    : unpinned('taskset is missing (Linux has it in util-linux), and figures vary more')
}

/** Chooses from the cores that may be used. */
export function cores_of(allowed: readonly number[]): Cores {
  const [first, last] = [allowed[0], allowed.at(-1)]
  return first === last
    ? unpinned('there is only one, which subject and load share')
    : { subject: last, load: first, note: '' }
}

function unpinned(reason: string): Cores {
  return { subject: undefined, load: undefined, note: `Nothing is pinned to a core: ${reason}.` }
}

/** Pins this process to the core of the load, so that it does not disturb the subject. */
export function pin_this_process({ load }: Cores): void {
  if (load !== undefined) spawnSync('taskset', ['-cp', String(load), String(process.pid)])
}

/** Parses the cores in `/proc/PID/status`, such as `0-2,5`. */
export function allowed_cores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1]
  if (list === undefined) return []
  return list.split(',').flatMap(range => {
    const [first, last = first] = range.split('-').map(Number) as [number, number | undefined]
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** Returns how long a core has run programs so far, in microseconds; `undefined` if it is unknown. */
export function work_of_core_us(core: number | undefined): number | undefined {
  return core === undefined ? undefined : work_us(readFileSync('/proc/stat', 'utf8'), core)
}

/** Parses this time from `/proc/stat`. */
export function work_us(stat: string, core: number): number | undefined {
  const columns = new RegExp(`^cpu${core} .*$`, 'm').exec(stat)?.[0].split(' ')
  return columns && WORK_COLUMNS.reduce((sum, column) => sum + Number(columns[column]), 0) * TICK_US
}
