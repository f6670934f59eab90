import { describe_value, NetError } from '../errors/errors.js'
import { describe_type, type OptionRule, type OptionRules } from '../options/option_rule.js'
import { whole_number } from '../options/options.js'

/** The longest time that a {@link ClusterPort} may take to connect, in milliseconds. */
const MAX_CONNECT_MS = 10_000
const PREFIX = /^[\w-]+(\.[\w-]+)*$/
const MAX_PREFIX_LENGTH = 64

/** Options that every broker has. */
export interface BrokerOptions {
  /**
   * The prefix of all channel names, before a dot: servers with different prefixes do not hear each other. At
   * most 64 letters, digits, `_` and `-`, with dots between them. @defaultValue `'bt'`
   */
  prefix?: string | undefined
  /**
   * How long one attempt to connect may take, in milliseconds, including the DNS lookup, TLS and
   * authentication. From 1 to 10,000.
   * @defaultValue `10000`
   */
  connect_timeout?: number | undefined
}

/** The rules of {@link BrokerOptions}. */
export const broker_rules: OptionRules<BrokerOptions, keyof BrokerOptions> = {
  prefix: {
    fallback: 'bt',
    expects: `at most ${MAX_PREFIX_LENGTH} letters, digits, _ and -, and dots between them, such as 'shop.live'`,
    accepts: value => typeof value === 'string' && value.length <= MAX_PREFIX_LENGTH && PREFIX.test(value),
  },
  connect_timeout: whole_number('milliseconds', MAX_CONNECT_MS, MAX_CONNECT_MS),
}

/**
 * Returns a rule for an option with options of the broker's own client. It refuses names that are not in
 * `known`; the client checks the values.
 */
export function client_options_rule<Options extends object>(
  call: string,
  known: Readonly<Record<keyof Options, true>>,
): OptionRule<Options> {
  return {
    shown: describe_type,
    expects: `an object with some of ${Object.keys(known).join(', ')}`,
    accepts: value => {
      if (typeof value !== 'object' || value === null) return false
      const unknown = Object.keys(value).find(name => !Object.hasOwn(known, name))
      if (unknown === undefined) return true
      const names = Object.keys(known).join(', ')
      const message = `${call}: there is no option ${describe_value(unknown)} in options; known are ${names}`
      throw new NetError('invalid_option', message)
    },
  }
}

/** The largest number of a broker's addresses that an error names. */
const MAX_NAMED = 3

/**
 * Returns the name of a broker for errors: `'NATS at 127.0.0.1:4222'`. The addresses must not contain
 * credentials.
 */
export function broker_name(engine: string, addresses: readonly string[]): string {
  const more = addresses.length > MAX_NAMED ? ` and ${addresses.length - MAX_NAMED} more` : ''
  return `${engine} at ${addresses.slice(0, MAX_NAMED).join(', ')}${more}`
}
