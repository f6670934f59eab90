import type { IncomingMessage } from 'node:http'
import type { UpgradeRequest } from './handshake_text.js'
import { KEY_HEADER } from './packed_headers.js'

/**
 * A handshake as `ws` is to see it, once it was judged here: `ws` takes only one way to write each header, refuses a whole handshake for one offer
 * that has to be declined (RFC 7692 §7), and takes the first subprotocol of a list.
 *
 * @param protocol - the subprotocol that was agreed on; empty if there is none
 * @param offers - the offers of permessage-deflate that can be accepted
 */
export function ws_request(
  { method, url, headers }: UpgradeRequest,
  protocol: string,
  offers: readonly string[],
): IncomingMessage {
  const shown = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    [KEY_HEADER]: headers[KEY_HEADER],
    ...(protocol === '' ? {} : { 'sec-websocket-protocol': protocol }),
    ...(offers.length === 0 ? {} : { 'sec-websocket-extensions': offers.join(', ') }),
  }
  // `ws` reads nothing else of it.
  return { method, url, headers: shown } as IncomingMessage
}
