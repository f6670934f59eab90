import { explain_broker_error } from '@bt/ws-protocol/broker'
import { error_text } from '@bt/ws-protocol/internal/node'
import {
  AuthorizationError,
  PermissionViolationError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'

const CLOSED = 'it closed the connection: its log may say why'

/** Puts into words why NATS was not reached, or why the connection to it has ended. */
export function in_words(cause: Error | undefined): Error {
  // The client also gives what it was told last, which may have been long ago and of no consequence.
  return cause === undefined || is_harmless(cause) ? new Error(CLOSED) : new Error(explain(cause), { cause })
}

/** Puts into words what NATS does not let happen. */
export function refusal(cause: Error): Error {
  if (!(cause instanceof PermissionViolationError)) return new Error(cause.message, { cause })
  const what = cause.operation === 'publish' ? 'publish on' : 'subscribe to'
  return new Error(`this user may not ${what} ${cause.subject}`, { cause })
}

/** Whether the connection goes on after it; what else NATS calls an error ends it. */
export function is_harmless(error: Error): boolean {
  return (
    error instanceof PermissionViolationError ||
    /maximum subscriptions exceeded|invalid.*subject/i.test(error.message)
  )
}

/** What the client says, and what that means. */
const EXPLAINED: readonly (readonly [RegExp, string])[] = [
  [
    /does not support 'tls'/,
    'it does not speak TLS: write nats:// for tls://, leave out options.tls, or give it a certificate',
  ],
  // The client stumbles where it is asked for what it was forbidden.
  [/'certFile'/, 'it asks for TLS, which options.tls forbids: leave out the null'],
  // Of whoever hangs up before a word, the client has no error.
  [/provided an undefined error/, CLOSED],
  [/unexpected response/, 'what answers there is not NATS: check the address'],
]

function explain(error: Error): string {
  if (error instanceof AuthorizationError)
    return `it does not know these credentials (${error.message}): give user and pass, token or authenticator in options, or in the URL`
  if (error instanceof UserAuthenticationExpiredError)
    return 'the credentials have expired: give new ones, or an authenticator that does'
  const beneath = error.cause instanceof Error ? error.cause : error
  const known = EXPLAINED.find(([pattern]) => pattern.test(error.message))
  return known?.[1] ?? explain_broker_error(beneath) ?? (error.message || error_text(beneath))
}
