import { readFileSync } from 'node:fs'
import type { Settings } from './settings.js'

/** What a process has open besides its connections, and some to spare. */
const OTHER_FILES = 200

/** Reduces the settings to the number of files that a process may open. Node and Bun raise it to the hard limit by themselves. */
export function fit_to_limits(
  settings: Settings,
  most_files: number,
): { settings: Settings; notes: string[] } {
  const most = most_files - OTHER_FILES
  const notes: string[] = []
  const note = (what: string): void => {
    notes.push(`${what}: a process may have ${most_files} files open here (\`ulimit -Hn\`).`)
  }
  const { audiences, idle_connections, cluster_audience } = settings
  const left_out = audiences.filter(audience => audience > most)
  if (left_out.length > 0) note(`Fan-out to ${left_out.join(', ')} is left out`)
  if (idle_connections > most)
    note(`Memory and many connections are measured with ${most}, not ${idle_connections}`)
  if (cluster_audience > most)
    note(`From one server to another it goes to ${most} sockets, not ${cluster_audience}`)
  const limited = {
    audiences: audiences.filter(audience => audience <= most),
    idle_connections: Math.min(idle_connections, most),
    cluster_audience: Math.min(cluster_audience, most),
  }
  return { settings: { ...settings, ...limited }, notes }
}

/** Returns how many files this process may open; infinity if the system does not say. */
export function most_open_files(): number {
  return process.platform === 'linux'
    ? open_files_of(readFileSync('/proc/self/limits', 'utf8'))
    : Number.POSITIVE_INFINITY
}

/** Reads the hard limit in `/proc/PID/limits`. */
export function open_files_of(limits: string): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(limits)?.[1]
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard)
}
