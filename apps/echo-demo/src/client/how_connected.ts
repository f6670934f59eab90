import type { WsClient } from '@bt/net'
import type { SessionOpening } from '@bt/net/session'
import { shown_url } from './shown_url.js'

/**
 * Describes a new connection: whether it is the first, where to, the subprotocol if the server has chosen one, and
 * how the session goes on if the client has one.
 */
export function how_connected(
  { addr, protocol }: Pick<WsClient, 'addr' | 'protocol'>,
  is_again: boolean,
  opening?: SessionOpening,
): string {
  const agreed = protocol === '' ? '' : `; the subprotocol is ${protocol}`
  const continued = opening === undefined ? '' : `; ${how_continued(opening)}`
  return `connected${is_again ? ' again' : ''} to ${shown_url(addr)}${agreed}${continued}`
}

/** Describes how a session goes on: `the session goes on`, or that it is a new one. */
export function how_continued({ recovered, in_doubt }: SessionOpening): string {
  if (recovered) return 'the session goes on'
  if (in_doubt === 0) return 'a new session'
  return `a new session; ${in_doubt} ${in_doubt === 1 ? 'message' : 'messages'} in doubt`
}
