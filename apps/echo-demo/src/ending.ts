import type { CloseInfo } from '@bt/net'
import { quoted } from './message_text.js'

/** How a connection ended, such as `code 1001, cause peer`. */
export function how_closed({ code, cause, reason, clean, unsent }: CloseInfo): string {
  const parts = [`code ${code}`, `cause ${cause}`]
  if (reason !== '') parts.push(`reason ${quoted(reason)}`)
  if (!clean) parts.push('without a Close from the other side')
  if (unsent > 0) parts.push(`${unsent} ${unsent === 1 ? 'message' : 'messages'} unsent`)
  return parts.join(', ')
}

/** Whether a client's connection ended as the client wanted: it closed, and the server agreed. */
export function has_ended_well({ clean, cause }: CloseInfo): boolean {
  return clean && cause === 'local'
}
