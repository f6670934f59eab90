import http, { type Agent } from 'node:http'
import https from 'node:https'
import { isIPv4 } from 'node:net'
import { NetError } from '@bt/ws-protocol'
import { describe_url } from '@bt/ws-protocol/internal'

/** A proxy of HTTP, which opens a tunnel to the server (RFC 9110 §9.3.6). */
export interface HttpProxy {
  /** Its URL, `http:` or `https:`. */
  readonly url: URL
  /** The value of the header Proxy-Authorization, if the URL has a user or password. */
  readonly authorization: string | undefined
}

type Variables = Readonly<Record<string, string | undefined>>

/** An agent with the option `proxyEnv`, which only newer versions of Node have. */
interface AgentWithProxies {
  readonly options?: { readonly proxyEnv?: Variables }
}

/**
 * Returns the proxy that the environment names for a `ws:` or `wss:` URL if Node uses it: by the `proxyEnv` of
 * the agent, or else of Node's global one, which NODE_USE_ENV_PROXY sets. Versions of Node that don't know that
 * variable get the same.
 *
 * @throws NetError `invalid_option` if the URL of the proxy is invalid
 */
export function find_proxy({ protocol, hostname, port }: URL, agent?: Agent): HttpProxy | undefined {
  if (protocol === 'ws+unix:') return undefined
  const is_secure = protocol === 'wss:'
  const variables = proxy_variables(agent, is_secure)
  if (variables === undefined) return undefined
  const name = is_secure ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const proxy = variable(variables, name)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  // Like Node, which leaves the proxies of other protocols to others.
  if (proxy === undefined || !/^https?:\/\//.test(proxy)) return undefined
  if (is_exempt(host, port || (is_secure ? '443' : '80'), variable(variables, 'NO_PROXY') ?? ''))
    return undefined
  return parse_proxy(name, proxy)
}

function proxy_variables(agent: Agent | undefined, is_secure: boolean): Variables | undefined {
  const global_agent = is_secure ? https.globalAgent : http.globalAgent
  const { options }: AgentWithProxies = (agent ?? global_agent) as AgentWithProxies
  if (options?.proxyEnv !== undefined || agent !== undefined) return options?.proxyEnv
  return process.env.NODE_USE_ENV_PROXY === '1' ? process.env : undefined
}

/** Reads a variable; like in Node and other programs, the one in lower case comes first. */
function variable(variables: Variables, name: string): string | undefined {
  return variables[name.toLowerCase()] || variables[name] || undefined
}

function parse_proxy(name: string, text: string): HttpProxy {
  try {
    const url = new URL(text)
    const { username, password } = url
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`
    return { url, authorization: credentials === ':' ? undefined : authorization }
  } catch {
    const message = `connect: the environment variable ${name} is ${describe_url(text)}, which is no valid URL; give one such as http://user:password@host:port`
    throw new NetError('invalid_option', message)
  }
}

/** Returns whether NO_PROXY lists a host, by the rules of Node. */
function is_exempt(host: string, port: string, list: string): boolean {
  return list
    .toLowerCase()
    .split(',')
    .some(entry => matches(entry.trim(), host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*' || entry === host || entry === `${host}:${port}`) return true
  if (entry.startsWith('*.')) return host.endsWith(entry.slice(1))
  if (entry.startsWith('.')) return host.endsWith(entry) || host === entry.slice(1)
  const [first = '', last = ''] = entry.split('-').map(part => part.trim())
  if (![host, first, last].every(address => isIPv4(address))) return false
  return ipv4_number(first) <= ipv4_number(host) && ipv4_number(host) <= ipv4_number(last)
}

function ipv4_number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}
