import { NetError } from '../../errors/errors.js'
import { describe_parts, type OptionRules } from '../../options/option_rule.js'
import {
  type ConnectionOptions,
  is_whole_number,
  type NodeOption,
  type WireOption,
  whole_number,
} from '../../options/options.js'
import { type Environment, environment_of, is_network } from './environment.js'

const MAX_THRESHOLD_BYTES = 2_147_483_647

/**
 * Returns the rules of the shared options that only Node has; the default of `max_fragments` differs by side.
 */
export function node_rules(
  default_max_fragments: number,
): OptionRules<Pick<ConnectionOptions<boolean>, NodeOption> & { type: 'ws' | 'mem' }, WireOption | 'type'> {
  return {
    type: {
      is_required: true,
      expects: "'ws', or 'mem' in a test",
      accepts: value => value === 'ws' || value === 'mem',
    },
    network: { expects: 'a memory_network() of @bt/net/testing', accepts: is_network },
    max_fragments: whole_number('fragments', 1_000_000, default_max_fragments),
    compression: {
      fallback: false,
      shown: value => (is_plain_object(value) ? describe_parts(value) : undefined),
      expects: 'true, false, or { threshold?: bytes, level?: 1 to 9 }',
      accepts: is_compression,
      copy: value => (typeof value === 'object' ? { ...value } : value),
    },
  }
}

/**
 * Returns the environment that the options `type` and `network` select.
 *
 * @throws NetError `invalid_option` if one is there without the other
 */
export function select_environment(
  call: string,
  { type, network }: { readonly type: 'ws' | 'mem'; readonly network?: object | undefined },
): Environment {
  if (type === 'mem' && network === undefined)
    throw new NetError(
      'invalid_option',
      `${call}: the type 'mem' is for tests, and needs the option network: give a memory_network() of @bt/net/testing`,
    )
  if (type === 'ws' && network !== undefined)
    throw new NetError(
      'invalid_option',
      `${call}: the option network is for the type 'mem'; give that type, or leave network out`,
    )
  return environment_of(network)
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
