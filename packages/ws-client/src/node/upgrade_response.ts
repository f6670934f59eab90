import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { deflate_offers, describe_value, list_elements, SESSION_PROTOCOL } from '@bt/ws-protocol/internal'

/**
 * Returns what is wrong with a 101 response that `ws` would accept, or reject with too vague an error (RFC
 * 6455 §4.1, §4.2.2; RFC 7692 §5.1). Returns `undefined` if it is valid.
 */
export function upgrade_response_flaw(
  { httpVersion, headers }: Pick<IncomingMessage, 'httpVersion' | 'headers'>,
  protocols: readonly string[],
): string | undefined {
  if (httpVersion !== '1.1') return `the HTTP version of the answer is ${httpVersion}, and has to be 1.1`
  const flaw = protocol_flaw(headers['sec-websocket-protocol'], protocols)
  if (flaw !== undefined) return flaw
  const extensions = headers['sec-websocket-extensions']
  if (extensions === undefined || agreed_deflate(extensions) !== undefined) return undefined
  return 'the Sec-WebSocket-Extensions of the answer is not what was offered'
}

/**
 * Rewrites the lists of a valid response as `ws` expects them: without empty elements, and without whitespace
 * around `=`.
 */
export function normalize_lists(headers: IncomingHttpHeaders): void {
  const { upgrade, 'sec-websocket-extensions': extensions } = headers
  if (upgrade !== undefined) headers.upgrade = list_elements(upgrade).join(', ')
  if (extensions !== undefined) headers['sec-websocket-extensions'] = agreed_deflate(extensions)
}

/** Returns the permessage-deflate of a response. Returns `undefined` for any other extension, or several. */
function agreed_deflate(list: string): string | undefined {
  const [offer] = deflate_offers(list, 'server') ?? []
  return list_elements(list).length === 1 ? offer : undefined
}

/**
 * Returns what is wrong with the agreed subprotocol. It does not show the offered ones, because one may be a
 * secret token.
 */
function protocol_flaw(agreed: string | undefined, offered: readonly string[]): string | undefined {
  if (offered[0] === SESSION_PROTOCOL && (agreed === undefined || offered.indexOf(agreed) > 0))
    return 'its subprotocol is not that of sessions; give listen the option sessions, or leave out the option session here'
  if (agreed === undefined)
    return offered.length === 0
      ? undefined
      : 'it takes none of the subprotocols that are offered; offer one that it knows, or leave out the option protocols'
  if (offered.includes(agreed)) return undefined
  const is_made_of_offered = offered.some(name => agreed.toLowerCase().includes(name.toLowerCase()))
  return is_made_of_offered
    ? 'it does not agree on one of the subprotocols that are offered, spelt as there'
    : `it agrees on the subprotocol ${describe_value(agreed)}, which is not offered`
}
