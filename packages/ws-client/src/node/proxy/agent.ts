import type { Agent } from 'node:http'
import { NetError } from '@bt/ws-protocol'
import { type OptionRule, shown_url } from '@bt/ws-protocol/internal'
import type { HttpAgentLike } from '../../client/http_agent_like.js'

/** The rule of `agent`. Node calls `addRequest`, which its types leave out. */
export const agent_rule: OptionRule<HttpAgentLike> = {
  expects:
    'an agent of node:http or node:https, such as new HttpsProxyAgent(…); a dispatcher of undici is none',
  accepts: value =>
    typeof value === 'object' &&
    value !== null &&
    'addRequest' in value &&
    typeof value.addRequest === 'function',
}

/**
 * Returns the option `agent`.
 *
 * @throws NetError `invalid_option` if it is for other URLs
 */
export function checked_agent(url: string, agent: HttpAgentLike | undefined): Agent | undefined {
  if (agent === undefined) return undefined
  const { protocol } = new URL(url)
  const wanted = protocol === 'wss:' ? 'https:' : 'http:'
  const message = mismatch(protocol, wanted, agent)
  if (message === undefined) return agent as HttpAgentLike & Agent
  throw new NetError(
    'invalid_option',
    `connect: the option agent ${message}, and the url is ${shown_url(url)}`,
  )
}

function mismatch(protocol: string, wanted: string, agent: HttpAgentLike): string | undefined {
  if (protocol === 'ws+unix:') return 'is for a ws: or wss: url; leave it out'
  // Agents for both kinds of request compute their protocol for the current one, in a getter.
  const own = Object.getOwnPropertyDescriptor(agent, 'protocol')?.value as string | undefined
  if (own === undefined || own === wanted) return undefined
  return `is one for ${own} requests, and a ${protocol} url needs one for ${wanted}`
}
