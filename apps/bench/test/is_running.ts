import { existsSync, readFileSync } from 'node:fs'

/** Returns whether a process runs. A zombie, which stays in a container without an init, does not count. */
export function is_running(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    // There is no such process.
    return false
  }
  const status = `/proc/${pid}/status`
  return !(existsSync(status) && /^State:\s*Z/m.test(readFileSync(status, 'utf8')))
}
