import type { WsClient } from '@bt/net'
import { shown_url } from './shown_url.js'

/**
 * Describes a new connection: whether it is the first, where to, and the subprotocol if the server has chosen
 * one.
 */
export function how_connected(
  { addr, protocol }: Pick<WsClient, 'addr' | 'protocol'>,
  is_again: boolean,
): string {
  const agreed = protocol === '' ? '' : `; the subprotocol is ${protocol}`
  return `connected${is_again ? ' again' : ''} to ${shown_url(addr)}${agreed}`
}
