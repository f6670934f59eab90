import type { IncomingMessage } from 'node:http'
import { NetError, type NetErrorCode } from '@bt/ws-protocol'
import { shown_text } from '@bt/ws-protocol/internal'
import { decisive_error, error_text, type SystemError } from '@bt/ws-protocol/internal/node'

/** What a client tried to reach: its server, or the proxy in between. */
export interface Hop {
  readonly kind: 'server' | 'proxy'
  /** The name to show in errors, without secrets. */
  readonly shown: string
}

/** The part of a response that is shown, in characters. */
export const MAX_SHOWN_RESPONSE = 200

/** Explains an error of Node while a client connects to a hop, or waits for its answer. */
export function opening_error({ kind, shown }: Hop, cause: SystemError): NetError {
  const failed = (code: NetErrorCode, message: string): NetError =>
    new NetError(code, `connect: ${message}`, { cause })
  const decisive = decisive_error(cause)
  switch (decisive.code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return failed(
        'connection_refused',
        `nobody listens at ${shown}${address_errors(cause)}: start the ${kind}, or check the address`,
      )
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return failed(
        'connect_timeout',
        `nothing answers at ${shown} (${error_text(cause)}): check the address, and what may stand between`,
      )
    case 'ENOTFOUND':
      return failed('host_not_found', `no host of that name for ${shown}: check the name and the DNS`)
    case 'EAI_AGAIN':
      return failed('host_not_found', `the DNS does not answer for ${shown}: check the network and the DNS`)
    case 'EMFILE':
    case 'ENFILE':
      return failed(
        'handshake_failed',
        `no file descriptor is left for ${shown}: raise the limit (ulimit -n), or keep fewer files and sockets open`,
      )
    default:
      return failed(
        'handshake_failed',
        `${shown} did not open a ${kind === 'server' ? 'WebSocket' : 'tunnel'}: ${explain_failure(kind, cause)}`,
      )
  }
}

/**
 * Makes the error for a response that refuses; its `cause` has what decides about retries, and whose response
 * it is.
 */
export function handshake_refused(
  message: string,
  { statusCode, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>,
  answered_by: Hop['kind'],
): NetError {
  const cause = { status: statusCode, answered_by }
  // Not enumerable, so that a printed error shows neither cookies nor the token in a redirect.
  Object.defineProperty(cause, 'headers', { value: headers })
  return new NetError('handshake_refused', `connect: ${message}`, { cause })
}

/** Shows the start of a text of the other side on one line. */
export function on_one_line(text: string): string {
  return shown_text(text.replaceAll(/\s+/g, ' ').trim(), MAX_SHOWN_RESPONSE)
}

/** Returns the errors of all addresses of a host, unless all of them refused. */
function address_errors({ errors = [] }: SystemError): string {
  return errors.every(({ code }) => code === 'ECONNREFUSED') ? '' : ` (${errors.map(error_text).join('; ')})`
}

/**
 * Explains an early end of the connection and invalid HTTP, for which Node's errors are hard to understand.
 */
function explain_failure(kind: Hop['kind'], error: SystemError): string {
  const { code = '' } = error
  const text = error_text(error)
  const advice = `check that a ${kind === 'server' ? 'WebSocket server' : 'proxy'} listens there`
  if (code === 'ECONNRESET') return `it ended the connection before it answered (${text}); ${advice}`
  if (code.startsWith('HPE_')) return `its answer can't be read as HTTP (${text}); ${advice}`
  return text
}
