import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'

export const LATENCY_EXPECTED = 'milliseconds from 0 on'
export const BANDWIDTH_EXPECTED = 'a number of bytes from 1 on'

/** Whether bytes can be under way for that long. */
export function is_latency(value: unknown): boolean {
  return Number.isFinite(value) && (value as number) >= 0
}

/** Whether that many bytes can pass in a second; infinity is no limit. */
export function is_bandwidth(value: unknown): boolean {
  return typeof value === 'number' && value >= 1
}

/** @throws NetError `invalid_argument` unless the value is valid */
export function check_argument(name: string, value: unknown, is_valid: boolean, expected: string): void {
  if (!is_valid)
    throw new NetError('invalid_argument', `${name} got ${describe_value(value)}: give ${expected}`)
}
