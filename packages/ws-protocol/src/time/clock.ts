/** Stops a timer; calling it again, or after the timer has run, does nothing. */
export type CancelTimer = () => void

/** The time of a connection, which tests replace with a fake clock. */
export interface Clock {
  /** Returns the milliseconds since a fixed moment; it never goes back. */
  now_ms(): number
  /**
   * Runs `task` once, `after_ms` milliseconds from now; on Node, after all data that has arrived by then was
   * read.
   */
  start_timer(after_ms: number, task: () => void): CancelTimer
}
