import {
  type CheckedOptions,
  describe_parts,
  describe_type,
  type OptionRules,
  protocols_rule,
  type WireOption,
} from '@bt/ws-protocol/internal'
import { node_rules as shared_node_rules } from '@bt/ws-protocol/internal/node'
import type { AttemptOptions, ComputedOption } from '../client/attempt_options.js'
import { headers_rule } from '../client/headers_rule.js'
import { connect_rules, type FilledConnectOption, type OwnConnectOptions } from '../client/options.js'
import { agent_rule } from './proxy/agent.js'
import { is_ws_url, URL_EXPECTED } from './ws_url.js'

const DEFAULT_MAX_FRAGMENTS = 16_384

type FilledNodeOption = FilledConnectOption | WireOption | 'type'

/** The options of `connect` in Node, checked and filled in. */
export type NodeConnectSettings = CheckedOptions<OwnConnectOptions, FilledNodeOption>

/** The same for one attempt. */
export type NodeAttemptSettings = Omit<NodeConnectSettings, ComputedOption> & AttemptOptions

const rules = connect_rules(URL_EXPECTED, is_ws_url)

/** The rule of every option of `connect` in Node. */
export const node_rules: OptionRules<OwnConnectOptions, FilledNodeOption> = {
  ...rules,
  ...shared_node_rules(DEFAULT_MAX_FRAGMENTS),
  reconnect: { ...rules.reconnect, shown: describe_parts },
  protocols: { ...protocols_rule, may_be_function: true },
  headers: headers_rule,
  tls: {
    may_be_function: true,
    shown: describe_type,
    expects: 'an object such as { ca }, in PEM',
    accepts: value => typeof value === 'object' && value !== null,
  },
  agent: agent_rule,
}
