import { NetError } from '@bt/ws-protocol'
import { exactly, type FilledOptionRule, type OptionRule, type OptionRules } from '@bt/ws-protocol/internal'
import { connect_rules, type FilledConnectOption, type OwnConnectOptions } from '../client/options.js'

/** The rule of an option that only the platform decides. */
const ignored: OptionRule<never> = { expects: '', accepts: () => true }

/** The browser checks the names, and whether each is there once. */
const protocols_rule: FilledOptionRule<readonly string[]> = {
  fallback: [],
  may_be_function: true,
  expects: 'an array of names',
  accepts: Array.isArray,
  copy: names => [...names],
}

/** The rule of every option of `connect` in a browser. */
export const browser_rules: OptionRules<Omit<OwnConnectOptions, 'network'>, FilledConnectOption | 'type'> = {
  ...connect_rules("'ws://host:port/path' or wss, without a fragment", is_web_socket_url),
  type: exactly('ws'),
  protocols: protocols_rule,
  max_fragments: ignored,
  compression: ignored,
  headers: node_only('headers', 'put a token into the url'),
  tls: node_only('tls', 'use a wss: url'),
  agent: node_only('agent', 'it has its own proxy'),
}

/** Returns whether a value is a URL for `WebSocket`. Invalid URLs throw, which counts as not accepted. */
function is_web_socket_url(value: unknown): boolean {
  return typeof value === 'string' && /^wss?:[^#]*$/.test(new URL(value).href)
}

/** Rejects an option, and says what to do instead. */
function node_only(name: string, instead: string): OptionRule<never> {
  return {
    expects: '',
    accepts: () => {
      throw new NetError('unsupported', `connect: no browser takes the option ${name}: ${instead}`)
    },
  }
}
