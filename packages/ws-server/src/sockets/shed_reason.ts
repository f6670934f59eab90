import { with_retry_hint } from '@bt/ws-protocol/internal'

/**
 * The earliest time to come back, in milliseconds; a client that is refused as one too many is told the same.
 */
const MIN_WAIT_MS = 5_000
/** The time over which clients that were closed together come back. */
const SPREAD_MS = 5_000

/**
 * Returns the reason in the Close of a socket that is closed because of a memory limit, with the time to wait
 * before reconnecting, which is random for each. `random` returns a number from 0 to below 1.
 */
export function shed_reason(random: () => number = Math.random): string {
  return with_retry_hint('overloaded', MIN_WAIT_MS + Math.floor(random() * SPREAD_MS))
}
