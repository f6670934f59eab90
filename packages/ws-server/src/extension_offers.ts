import { deflate_offers } from '@bt/ws-protocol'
import type { UpgradeRequest } from './handshake_text.js'

const HEADER = 'sec-websocket-extensions'

/**
 * A request as `ws` is to see it: without the offers that have to be declined (RFC 7692 §7), for each of which `ws` would refuse the
 * whole handshake. What is against the grammar is left to it: that is to be refused (RFC 6455 §9.1).
 */
export function without_declined_offers(request: UpgradeRequest): UpgradeRequest {
  if (request.headers[HEADER] === undefined) return request
  const { [HEADER]: list, ...others } = request.headers
  const offers = deflate_offers(list, 'client')
  if (offers === undefined) return request
  const headers = offers.length === 0 ? others : { ...others, [HEADER]: offers.join(', ') }
  return Object.create(request, { headers: { value: headers } }) as UpgradeRequest
}
