import { explain_broker_error } from '@bt/ws-protocol/broker'
import { error_text } from '@bt/ws-protocol/internal/node'
import {
  AuthorizationError,
  PermissionViolationError,
  ProtocolError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'

const CLOSED = 'it closed the connection: its log may say why'

/** Explains why connecting to NATS failed, or why the connection has ended. */
export function connection_error(cause: Error | undefined): Error {
  // The client ends with the last error that NATS sent, which may be old and have nothing to do with the end.
  return cause === undefined || keeps_connection(cause)
    ? new Error(CLOSED)
    : new Error(explain(cause), { cause })
}

/** Explains what NATS refused to do. */
export function refusal_error(cause: Error): Error {
  if (!(cause instanceof PermissionViolationError)) return new Error(cause.message, { cause })
  const action = cause.operation === 'publish' ? 'publish on' : 'subscribe to'
  return new Error(`this user may not ${action} ${cause.subject}`, { cause })
}

/** Returns whether the connection survives this error. NATS closes the connection after all others. */
export function keeps_connection(error: Error): boolean {
  return (
    error instanceof PermissionViolationError ||
    (error instanceof ProtocolError && KEEPS_CONNECTION.has(error.message.toLowerCase()))
  )
}

/**
 * The texts of nats-server 2.9 for the errors after which it keeps the connection. The protocol has no codes
 * for them.
 */
const KEEPS_CONNECTION: ReadonlySet<string> = new Set([
  'maximum subscriptions exceeded',
  'invalid subject',
  'invalid publish subject',
])

/**
 * The errors of @nats-io/transport-node 3.3.1 that have neither a class of their own nor a code: their exact
 * texts.
 */
const EXPLANATIONS: ReadonlyMap<string, string> = new Map([
  [
    "server does not support 'tls'",
    'it does not speak TLS: write nats:// for tls://, leave out options.tls, or give it a certificate',
  ],
  // The client reads the TLS options without checking for null when the server requires TLS.
  [
    "Cannot destructure property 'certFile' of 'this.options.tls' as it is null.",
    'it asks for TLS, which options.tls forbids: leave out the null',
  ],
  // A peer that disconnects before it sends INFO leaves the client without an error.
  ['error connecting - node provided an undefined error', CLOSED],
  ['unexpected response from server', 'what answers there is not NATS: check the address'],
])

function explain(error: Error): string {
  if (error instanceof AuthorizationError)
    return `it does not know these credentials (${error.message}): give user and pass, token or authenticator in options, or in the URL`
  if (error instanceof UserAuthenticationExpiredError)
    return 'the credentials have expired: give new ones, or an authenticator that does'
  const root = error.cause instanceof Error ? error.cause : error
  return EXPLANATIONS.get(error.message) ?? explain_broker_error(root) ?? (error.message || error_text(root))
}
