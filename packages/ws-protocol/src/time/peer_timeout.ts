import type { CancelTimer, Clock } from './clock.js'

/** In how many parts the time is counted. */
const PARTS = 10

/**
 * Limits how long a peer may take: runs `task` once, after `after_ms` milliseconds in which this process could hear the peer. Each tenth counts once,
 * however late its timer is, so a process that was busy, stopped or suspended first reads what arrived meanwhile, and may answer it.
 */
export function start_peer_timeout(clock: Clock, after_ms: number, task: () => void): CancelTimer {
  let cancel: CancelTimer
  const wait = (left_ms: number): void => {
    const part_ms = Math.min(Math.ceil(after_ms / PARTS), left_ms)
    // The last timer has no time to wait: it comes behind what had arrived when the time was over.
    cancel = clock.start_timer(part_ms, left_ms > 0 ? () => wait(left_ms - part_ms) : task)
  }
  wait(after_ms)
  return () => cancel()
}
