import type { IncomingMessage } from 'node:http'
import { has_token, is_token, list_elements } from '@bt/ws-protocol/internal'
import { bad_handshake, not_websocket, type Refusal, wrong_version } from './refusal.js'

/** 16 random bytes in base64 (RFC 6455 §4.1). */
const KEY = /^[+/0-9A-Za-z]{22}==$/

/** The parts of a request that are validated. */
export type RequestHead = Pick<IncomingMessage, 'method' | 'httpVersion' | 'headers' | 'rawHeaders'>

const HOST = 'host'

/** Validates a handshake by RFC 6455 §4.2.1, except for its path, which has been matched before. */
export function validate_handshake(request: RequestHead): Refusal | undefined {
  const { headers, method, httpVersion } = request
  if (!offers_websocket(request)) return not_websocket()
  if (method !== 'GET') return bad_handshake(`the method is ${method}, and has to be GET`)
  if (httpVersion !== '1.1') return bad_handshake(`the HTTP version is ${httpVersion}, and has to be 1.1`)
  if (has_body(request)) return bad_handshake('it has a body, and has to have none')
  if (headers.host === undefined) return bad_handshake('the Host header is missing')
  if (has_several_hosts(request)) return bad_handshake('the Host header is there more than once')
  if (headers['sec-websocket-version'] !== '13') return wrong_version(headers['sec-websocket-version'])
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    return bad_handshake('the Sec-WebSocket-Key header is missing, or is not 16 bytes in base64')
  }
  if (offered_protocols(headers['sec-websocket-protocol']) === undefined) {
    return bad_handshake('the Sec-WebSocket-Protocol header is not a list of names, each once')
  }
  return undefined
}

/**
 * Returns whether a request offers to become a WebSocket. Upgrades to other protocols, such as h2c, may be
 * ignored (RFC 9110 §7.8).
 */
export function offers_websocket({ headers }: Pick<RequestHead, 'headers'>): boolean {
  return has_token(headers.upgrade, 'websocket')
}

/** Returns whether a request has a body (RFC 9112 §6), which would come where frames are expected. */
export function has_body({ headers }: Pick<RequestHead, 'headers'>): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0)
}

/**
 * Returns whether Host is repeated, which RFC 9112 §3.2 forbids. Node keeps the first and a proxy may keep
 * the last, and the origin check depends on it.
 */
function has_several_hosts({ rawHeaders }: Pick<RequestHead, 'rawHeaders'>): boolean {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name?.length === HOST.length && name.toLowerCase() === HOST) hosts += 1
  }
  return hosts > 1
}

/**
 * Parses the offered subprotocols, in order of preference (RFC 6455 §4.1). Returns `undefined` if the list is
 * invalid or empty.
 */
export function offered_protocols(header: string | undefined): readonly string[] | undefined {
  if (header === undefined) return []
  const offered = list_elements(header)
  const is_list = offered.length > 0 && offered.every(is_token) && new Set(offered).size === offered.length
  return is_list ? offered : undefined
}

/** Returns the first of the server's own subprotocols that the client offers, or `''` if there is none. */
export function agreed_protocol(own: readonly string[], offered: Iterable<string>): string {
  const names = new Set(offered)
  return own.find(name => names.has(name)) ?? ''
}
