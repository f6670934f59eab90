import { describe_parts, type OptionRules } from '../../options/option_rule.js'
import {
  type ConnectionOptions,
  is_whole_number,
  type WireOption,
  whole_number,
} from '../../options/options.js'

const MAX_THRESHOLD_BYTES = 2_147_483_647

/**
 * Returns the rules of the shared options that only Node has; the default of `max_fragments` differs by side.
 */
export function wire_rules(
  default_max_fragments: number,
): OptionRules<Pick<ConnectionOptions<boolean>, WireOption>, WireOption> {
  return {
    max_fragments: whole_number('fragments', 1_000_000, default_max_fragments),
    compression: {
      fallback: false,
      shown: value => (is_plain_object(value) ? describe_parts(value) : undefined),
      expects: 'true, false, or { threshold?: bytes, level?: 1 to 9 }',
      accepts: is_compression,
    },
  }
}

function is_compression(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (!is_plain_object(value)) return false
  const { threshold = 0, level = 1, ...unknown } = value
  return (
    is_whole_number(threshold, 0, MAX_THRESHOLD_BYTES) &&
    is_whole_number(level, 1, 9) &&
    Object.keys(unknown).length === 0
  )
}

function is_plain_object(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
