/** Stops a timer; calling it again, or after the timer has run, does nothing. */
export type CancelTimer = () => void

/** Time as a connection sees it, so that tests can hold it still. */
export interface Clock {
  /** Milliseconds since a fixed moment; never goes back. */
  now_ms(): number
  /** Runs `task` once, `after_ms` milliseconds from now; in Node, behind what has arrived by then. */
  start_timer(after_ms: number, task: () => void): CancelTimer
}
