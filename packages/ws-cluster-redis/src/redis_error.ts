import { explain_broker_error } from '@bt/ws-protocol/broker'
import { error_text } from '@bt/ws-protocol/internal/node'
import { ErrorReply, SocketClosedUnexpectedlyError } from '@redis/client'

/** Replies that say that Redis can't do for now, or not here, what it did before: whoever connects anew may find it better. */
const PASSING = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|BUSY|MASTERDOWN)\b/

/** What Redis and its client say, and what that means. */
const EXPLAINED: readonly (readonly [RegExp, string])[] = [
  [
    /^(NOAUTH|WRONGPASS|ERR invalid password|ERR AUTH)/,
    'it does not know these credentials: give username and password in options, or in the URL',
  ],
  [/^MOVED|^ASK/, 'slots have moved to another node'],
  // The client stumbles over an answer that is one too many, since it took the end of a subscription for part of one.
  [/properties of undefined/, 'slots have moved to another node'],
  [/^CLUSTERDOWN/, 'the cluster is down, or a part of it'],
  [/^LOADING/, 'it is still loading its data'],
  [/^BUSY/, 'it is busy with a script'],
  [/unknown command.*hello/i, 'it is older than Redis 6, or not Redis'],
  [/max number of clients/, 'it has as many clients as it takes (maxclients)'],
  [/Unknown RESP type/, 'what answers there is not Redis: check the address'],
]

/** What Redis adds if it does not know a command, such as a HELLO that signs in. */
const ARGUMENTS = /,? with args beginning with.*/s

/** Puts into words why Redis was not reached. */
export function not_reached(error: Error): Error {
  const hint = error instanceof SocketClosedUnexpectedlyError ? ', or it expects TLS (rediss://)' : ''
  return new Error(explain(error) + hint, { cause: without_arguments(error) })
}

/** The same error, without the arguments of a command, which may be a password. */
function without_arguments(error: Error): Error {
  return ARGUMENTS.test(error.message) ? new ErrorReply(error.message.replace(ARGUMENTS, '')) : error
}

/** Puts into words why a connection to Redis is of no use any more. */
export function in_words(error: Error): Error {
  return new Error(explain(error), { cause: without_arguments(error) })
}

/** Puts into words that Redis does not let a user do something. */
export function refusal(what: string, error: Error): Error {
  const cause = without_arguments(error)
  const why = cause.message.startsWith('NOPERM') ? `this user may not ${what}` : `it could not ${what}`
  return new Error(`${why} (${cause.message})`, { cause })
}

/** Whether Redis has answered: with an error, but the connection goes on. */
export function is_answer(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply
}

/** Whether an answer means that this connection is of no use any more. */
export function is_passing(error: ErrorReply): boolean {
  return PASSING.test(error.message)
}

function explain(error: Error): string {
  if (error instanceof SocketClosedUnexpectedlyError) return 'it closed the connection: its log may say why'
  const known = EXPLAINED.find(([pattern]) => pattern.test(error.message))
  return known?.[1] ?? explain_broker_error(error) ?? error_text(without_arguments(error))
}
