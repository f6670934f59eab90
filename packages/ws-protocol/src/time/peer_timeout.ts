import type { CancelTimer, Clock } from './clock.js'

/** The number of parts that the time is counted in. */
const PARTS = 10

/**
 * Limits how long a peer may take: runs `task` once, after `after_ms` milliseconds during which this process
 * was able to read. Each tenth counts once, however late its timer is, so a process that was busy, stopped or
 * suspended first reads and answers the data that arrived meanwhile.
 */
export function start_peer_timeout(clock: Clock, after_ms: number, task: () => void): CancelTimer {
  let cancel: CancelTimer
  const wait = (left_ms: number): void => {
    const part_ms = Math.min(Math.ceil(after_ms / PARTS), left_ms)
    // The last timer waits 0 ms, so that data that had arrived when the time was over is read before `task`
    // runs.
    cancel = clock.start_timer(part_ms, left_ms > 0 ? () => wait(left_ms - part_ms) : task)
  }
  wait(after_ms)
  return () => cancel()
}
