/** The delays between attempts. */
export interface BackoffSettings {
  /** The upper bound of the delay before the first attempt, in milliseconds. */
  readonly min_delay: number
  /** The upper bound of all delays, in milliseconds. */
  readonly max_delay: number
}

/**
 * Returns the delay before the next attempt after `attempts` others, in milliseconds: exponential backoff with
 * full jitter. Each delay is random between 0 and a bound that doubles with every attempt, so that clients
 * that were disconnected together do not reconnect together. `random` is from 0 up to, but not including, 1.
 */
export function backoff_ms(
  { min_delay, max_delay }: BackoffSettings,
  attempts: number,
  random: number,
): number {
  return Math.floor(random * Math.min(max_delay, min_delay * 2 ** attempts))
}
