import type { OptionRules } from './option_rule.js'
import { whole_number } from './options.js'

/** As long as a {@link ClusterPort} may take to connect, in milliseconds. */
const MAX_CONNECT_MS = 10_000
const PREFIX = /^[\w-]+(\.[\w-]+)*$/
const MAX_PREFIX_LENGTH = 64

/** The options that every broker has. */
export interface BrokerOptions {
  /**
   * What the names of all channels begin with, before a dot: servers with another one do not hear each other. At most 64 letters, digits, `_` and
   * `-`, and dots between them. @defaultValue `'bt'`
   */
  prefix?: string | undefined
  /**
   * How long one attempt to connect may take, in milliseconds, with the name looked up, TLS and the check of the credentials.
   * From 1 to 10,000. @defaultValue `10000`
   */
  connect_timeout?: number | undefined
}

/** The rules of the options that every broker has. */
export const broker_rules: OptionRules<BrokerOptions, keyof BrokerOptions> = {
  prefix: {
    fallback: 'bt',
    expects: `at most ${MAX_PREFIX_LENGTH} letters, digits, _ and -, and dots between them, such as 'shop.live'`,
    accepts: value => typeof value === 'string' && value.length <= MAX_PREFIX_LENGTH && PREFIX.test(value),
  },
  connect_timeout: whole_number('milliseconds', MAX_CONNECT_MS, MAX_CONNECT_MS),
}
