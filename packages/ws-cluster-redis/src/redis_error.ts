import { explain_broker_error } from '@bt/ws-protocol/broker'
import { error_text } from '@bt/ws-protocol/internal/node'
import { ErrorReply, SocketClosedUnexpectedlyError } from '@redis/client'

const MOVED = 'slots have moved to another node'
const BAD_CREDENTIALS =
  'it does not know these credentials: give username and password in options, or in the URL'

/**
 * The codes of replies after which a new connection may succeed: the first word of an error reply is its
 * code.
 */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'MOVED',
  'ASK',
  'TRYAGAIN',
  'CLUSTERDOWN',
  'LOADING',
  'BUSY',
  'MASTERDOWN',
])

const CODE_EXPLANATIONS: ReadonlyMap<string, string> = new Map([
  ['NOAUTH', BAD_CREDENTIALS],
  ['WRONGPASS', BAD_CREDENTIALS],
  ['MOVED', MOVED],
  ['ASK', MOVED],
  ['CLUSTERDOWN', 'the cluster is down, or a part of it'],
  ['LOADING', 'it is still loading its data'],
  ['BUSY', 'it is busy with a script'],
])

/** Replies whose code is the general `ERR`, by the texts of Redis 5 to 7. */
const TEXT_EXPLANATIONS: readonly (readonly [RegExp, string])[] = [
  [/^ERR invalid password$/, BAD_CREDENTIALS],
  [/^ERR AUTH <password> called without any password configured for the default user\./, BAD_CREDENTIALS],
  [/^ERR unknown command ['`]hello['`]/i, 'it is older than Redis 6, or not Redis'],
  [
    /^ERR max number of clients (\+ cluster connections )?reached$/,
    'it has as many clients as it takes (maxclients)',
  ],
]

/**
 * The texts of the TypeErrors that @redis/client 6.3.1 throws on a reply that no command waits for. When a
 * slot moves, Redis ends the subscriptions in it with a push, which the client counts as the reply to the
 * oldest command; the reply to that command is then one too many.
 */
const SURPLUS_REPLY: ReadonlySet<string> = new Set([
  "Cannot read properties of undefined (reading 'value')",
  "Cannot read properties of undefined (reading 'reject')",
  "Cannot read properties of undefined (reading 'resolve')",
])

/** The text of the error with which @redis/client 6.3.1 rejects bytes that are not RESP. */
const NOT_RESP = /^Unknown RESP type \d+ "."$/s

/** The arguments that Redis repeats when it does not know a command, such as a `HELLO` with a password. */
const ARGUMENTS = /,? with args beginning with.*/s

/** Explains why connecting to Redis failed. */
export function connect_error(error: Error): Error {
  const hint = error instanceof SocketClosedUnexpectedlyError ? ', or it expects TLS (rediss://)' : ''
  return new Error(explain(error) + hint, { cause: without_arguments(error) })
}

/** Removes the arguments of a command from an error, because one may be a password. */
function without_arguments(error: Error): Error {
  return ARGUMENTS.test(error.message) ? new ErrorReply(error.message.replace(ARGUMENTS, '')) : error
}

/** Explains why a connection to Redis can't be used any more. */
export function connection_error(error: Error): Error {
  return new Error(explain(error), { cause: without_arguments(error) })
}

/** Makes the error for subscriptions that ended because their slots are on another node now. */
export function slots_moved_error(): Error {
  return new Error(MOVED)
}

/** Explains that Redis refused an action, such as `publish`. */
export function refusal_error(action: string, error: ErrorReply): Error {
  const cause = without_arguments(error)
  const explanation = code_of(error) === 'NOPERM' ? `this user may not ${action}` : `it could not ${action}`
  return new Error(`${explanation} (${cause.message})`, { cause })
}

/** Returns whether Redis sent the error as a reply, after which the connection stays open. */
export function is_error_reply(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply
}

/** Returns whether a reply means that the server has to connect anew. */
export function is_transient(error: ErrorReply): boolean {
  return TRANSIENT_CODES.has(code_of(error))
}

function code_of({ message }: ErrorReply): string {
  return message.split(' ', 1)[0] as string
}

function explain(error: Error): string {
  return known_explanation(error) ?? explain_broker_error(error) ?? error_text(without_arguments(error))
}

function known_explanation(error: Error): string | undefined {
  const { message } = error
  if (error instanceof SocketClosedUnexpectedlyError) return 'it closed the connection: its log may say why'
  if (error instanceof ErrorReply)
    return (
      CODE_EXPLANATIONS.get(code_of(error)) ??
      TEXT_EXPLANATIONS.find(([pattern]) => pattern.test(message))?.[1]
    )
  if (error instanceof TypeError && SURPLUS_REPLY.has(message)) return MOVED
  return NOT_RESP.test(message) ? 'what answers there is not Redis: check the address' : undefined
}
