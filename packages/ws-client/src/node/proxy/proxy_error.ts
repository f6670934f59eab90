import type { Agent, IncomingMessage } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import { shown_text } from '@bt/ws-protocol/internal'
import { error_text, type SystemError } from '@bt/ws-protocol/internal/node'
import { type Hop, handshake_refused, on_one_line, opening_error } from '../errors/opening_error.js'

type Response = Pick<IncomingMessage, 'statusCode' | 'statusMessage' | 'headers'>

/** What usual agents for proxies say about their proxy: a URL, or the host and port of SOCKS. */
interface AgentOfProxy {
  readonly proxy?: { readonly protocol?: string; readonly host?: string; readonly port?: string | number }
}

/** Names a proxy, without its credentials, and the URL that it is for. */
export function proxy_hop({ protocol, host }: URL, target: string): Hop {
  return { kind: 'proxy', shown: `the proxy ${protocol}//${host} (for ${target})` }
}

/** Names the proxy of an agent in the same way, if the agent tells. */
export function agent_hop(agent: Agent, target: string): Hop {
  const { proxy } = agent as AgentOfProxy
  if (proxy instanceof URL) return proxy_hop(proxy, target)
  const known = typeof proxy?.host === 'string' ? ` ${proxy.host}:${proxy.port}` : ' of the option agent'
  return { kind: 'proxy', shown: `the proxy${known} (for ${target})` }
}

/**
 * Explains why an agent found no way to the server. The cause is a copy with message and code, because the
 * errors of some agents hold the password of the proxy.
 */
export function agent_error(agent: Agent, target: string, error: SystemError): NetError {
  const { code, name } = error
  const copy = Object.assign(new Error(shown_text(error_text(error))), code === undefined ? {} : { code })
  copy.name = name
  return opening_error(agent_hop(agent, target), copy)
}

/** Makes the error for the answer of a proxy that opens no tunnel. */
export function proxy_refused({ shown }: Hop, response: Response): NetError {
  const refusal = `${shown} answered ${status_line(response)}, and opened no tunnel`
  return handshake_refused(`${refusal}; ${advice(response.statusCode ?? 0)}`, response, 'proxy')
}

/** Makes the error for the answer to a handshake that an agent gave to a proxy as a request to forward. */
export function not_tunnelled({ shown }: Hop, response: Response): NetError {
  const refusal = `${shown} was asked for no tunnel, and answered ${status_line(response)}`
  const advice =
    'few proxies forward a WebSocket otherwise: use an agent that opens one, such as HttpsProxyAgent'
  return handshake_refused(`${refusal}; ${advice}`, response, 'proxy')
}

function status_line({ statusCode, statusMessage = '' }: Response): string {
  return `${statusCode} ${on_one_line(statusMessage)}`.trim()
}

function advice(status: number): string {
  // Some proxies answer a wrong password with 401.
  if (status === 401 || status === 407) return 'check the user and password in the URL of the proxy'
  if (status === 403 || status === 405)
    return 'its rules do not allow that host or port; many proxies allow port 443 alone'
  if (status >= 500) return 'it may not reach the server: check the URL, and that the server runs'
  return 'check that it is a proxy, and allows CONNECT'
}
