import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { deflate_offers, describe_value, list_elements } from '@bt/ws-protocol/internal'

/**
 * What is wrong with a 101 that `ws` would take, or of which it would say too little (RFC 6455 §4.1, §4.2.2; RFC 7692 §5.1); `undefined` where
 * nothing is.
 */
export function judge_answer(
  { httpVersion, headers }: Pick<IncomingMessage, 'httpVersion' | 'headers'>,
  protocols: readonly string[],
): string | undefined {
  if (httpVersion !== '1.1') return `the HTTP version of the answer is ${httpVersion}, and has to be 1.1`
  const wrong = judge_protocol(headers['sec-websocket-protocol'], protocols)
  if (wrong !== undefined) return wrong
  const extensions = headers['sec-websocket-extensions']
  if (extensions === undefined || agreed_deflate(extensions) !== undefined) return undefined
  return 'the Sec-WebSocket-Extensions of the answer is not what was offered'
}

/** Writes the lists of an answer that was judged as `ws` takes them: without empty elements, and without blanks around `=`. */
export function plain_lists(headers: IncomingHttpHeaders): void {
  const { upgrade, 'sec-websocket-extensions': extensions } = headers
  if (upgrade !== undefined) headers.upgrade = list_elements(upgrade).join(', ')
  if (extensions !== undefined) headers['sec-websocket-extensions'] = agreed_deflate(extensions)
}

/** The one extension that a server may answer with; `undefined` if it is not that, or not alone. */
function agreed_deflate(list: string): string | undefined {
  const [offer] = deflate_offers(list, 'server') ?? []
  return list_elements(list).length === 1 ? offer : undefined
}

/** What is offered is not shown: a subprotocol may be a token. */
function judge_protocol(agreed: string | undefined, offered: readonly string[]): string | undefined {
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
