import { NetError } from '@bt/ws-protocol'
import { describe_value, type OptionRule } from '@bt/ws-protocol/internal'

/** How long bytes are under way. */
export const latency_rule: OptionRule<number> = {
  expects: 'milliseconds from 0 on',
  accepts: value => Number.isFinite(value) && (value as number) >= 0,
}

/** How many bytes pass in a second, or fit somewhere; infinity is no limit. */
export const bytes_rule: OptionRule<number> = {
  expects: 'a number of bytes from 1 on',
  accepts: value => typeof value === 'number' && value >= 1,
}

/**
 * Checks an argument by the rule of an option.
 *
 * @throws NetError `invalid_argument`
 */
export function check_argument(
  name: string,
  value: unknown,
  { accepts, expects }: OptionRule<unknown>,
): void {
  if (!accepts(value))
    throw new NetError('invalid_argument', `${name} got ${describe_value(value)}: give ${expects}`)
}
