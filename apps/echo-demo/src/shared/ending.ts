import type { CloseInfo, ReconnectInfo, WsClient } from '@bt/net'
import { quoted } from './message_text.js'

/** Describes how a connection ended, such as `code 1001, cause peer`. */
export function how_closed({ code, cause, reason, clean, unsent }: CloseInfo): string {
  const parts = [`code ${code}`, `cause ${cause}`]
  if (reason !== '') parts.push(`reason ${quoted(reason)}`)
  if (!clean) parts.push('without a Close from the other side')
  if (unsent > 0) parts.push(`${unsent} ${unsent === 1 ? 'message' : 'messages'} unsent`)
  return parts.join(', ')
}

/** Whether the client itself closed its connection, cleanly and with nothing unsent. */
export function has_ended_well({ clean, cause, unsent }: CloseInfo): boolean {
  return clean && cause === 'local' && unsent === 0
}

/** Describes why a client reconnects, and when: `lost (code 1006, …); attempt 1 in 0.4 s`. */
export function how_reconnecting({ attempt, delay_ms, info }: ReconnectInfo): string {
  const what = info.cause === 'refused' ? 'not connected' : `lost (${how_closed(info)})`
  return `${what}; attempt ${attempt} in ${(delay_ms / 1000).toFixed(1)} s`
}

/** Whether a client has closed for good, or is about to. */
export function is_over({ state }: Pick<WsClient, 'state'>): boolean {
  return state === 'closing' || state === 'closed'
}
