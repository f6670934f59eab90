import { existsSync, readFileSync } from 'node:fs'

/** What the system has given a process of memory, in bytes; `undefined` where there is no such process, or the system does not tell. */
export function resident_bytes(pid: number | 'self'): number | undefined {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return undefined
  const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1]
  return kib === undefined ? undefined : Number(kib) * 1024
}
