import { readFileSync } from 'node:fs'
import type { Settings } from './settings.js'

/** How many files a process opens besides its connections, with a margin. */
const OTHER_FILES = 200

/**
 * Reduces the settings to the number of files that a process may open. Node and Bun raise their soft limit to
 * the hard limit by themselves.
 */
export function fit_to_limits(
  settings: Settings,
  max_files: number,
): { settings: Settings; notes: string[] } {
  const max_connections = max_files - OTHER_FILES
  const notes: string[] = []
  const note = (change: string): void => {
    notes.push(`${change}: a process may have ${max_files} files open here (\`ulimit -Hn\`).`)
  }
  const { audiences, idle_connections, cluster_audience } = settings
  const left_out = audiences.filter(audience => audience > max_connections)
  if (left_out.length > 0) note(`Fan-out to ${left_out.join(', ')} is left out`)
  if (idle_connections > max_connections)
    note(`Memory and many connections are measured with ${max_connections}, not ${idle_connections}`)
  if (cluster_audience > max_connections)
    note(`From one server to another it goes to ${max_connections} sockets, not ${cluster_audience}`)
  const limited = {
    audiences: audiences.filter(audience => audience <= max_connections),
    idle_connections: Math.min(idle_connections, max_connections),
    cluster_audience: Math.min(cluster_audience, max_connections),
  }
  return { settings: { ...settings, ...limited }, notes }
}

/** Returns how many files this process may open; infinity if the limit is unknown. */
export function max_open_files(): number {
  return process.platform === 'linux'
    ? open_files_of(readFileSync('/proc/self/limits', 'utf8'))
    : Number.POSITIVE_INFINITY
}

/** Parses the hard limit of `/proc/PID/limits`. */
export function open_files_of(limits: string): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(limits)?.[1]
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard)
}
