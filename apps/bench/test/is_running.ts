import { existsSync, readFileSync } from 'node:fs'

/** Whether a process of that number runs: not one that has ended, and that nobody has asked how, as in a container without an init. */
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
