import { readFileSync } from 'node:fs'
import type { Settings } from './settings.js'

/** What a process has open besides its connections, and some to spare. */
const OTHER_FILES = 200

/** How many connections a process may have that may have so many files open. */
export function most_connections(most_files: number): number {
  return most_files - OTHER_FILES
}

/** Why something does not fit, and where to look. */
export function files_allowed(most_files: number): string {
  return `a process may have ${most_files} files open here (\`ulimit -Hn\`)`
}

/** What fits into the number of files that a process may have open. Node and Bun raise it to the hard limit by themselves. */
export function fit_to_limits(
  settings: Settings,
  most_files: number,
): { settings: Settings; notes: string[] } {
  const most = most_connections(most_files)
  const left_out = settings.audiences.filter(audience => audience > most)
  const idle_connections = Math.min(settings.idle_connections, most)
  const cluster_audience = Math.min(settings.cluster_audience, most)
  const reason = files_allowed(most_files)
  return {
    settings: {
      ...settings,
      audiences: settings.audiences.filter(audience => audience <= most),
      idle_connections,
      cluster_audience,
    },
    notes: [
      ...(left_out.length === 0 ? [] : [`Fan-out to ${left_out.join(', ')} is left out: ${reason}.`]),
      ...(idle_connections === settings.idle_connections
        ? []
        : [
            `Memory and many connections are measured with ${idle_connections}, not ${settings.idle_connections}: ${reason}.`,
          ]),
      ...(cluster_audience === settings.cluster_audience
        ? []
        : [
            `From one server to another it goes to ${cluster_audience} sockets, not ${settings.cluster_audience}: ${reason}.`,
          ]),
    ],
  }
}

/** How many files this process may have open at most; no end where the system does not say. */
export function most_open_files(): number {
  return process.platform === 'linux'
    ? open_files_of(readFileSync('/proc/self/limits', 'utf8'))
    : Number.POSITIVE_INFINITY
}

/** The hard limit that `/proc/PID/limits` tells. */
export function open_files_of(limits: string): number {
  const hard = /^Max open files +\S+ +(\d+)/m.exec(limits)?.[1]
  return hard === undefined ? Number.POSITIVE_INFINITY : Number(hard)
}
