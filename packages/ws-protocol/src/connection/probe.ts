import { NetError } from '../errors/errors.js'
import { as_payload, type Sendable } from '../frames/payload.js'
import { check_options_with, list_known, type OptionRule } from '../options/option_rule.js'
import type { Probe, ProbedConnection } from '../options/probe_option.js'
import { callback_error } from './report.js'

/** What `probe` gets: the question of this side with its answer, that of the peer, or both. */
export interface ProbeOptions {
  /**
   * The question, which is sent instead of a ping (RFC 6455 §5.5.2) when the peer was silent for `heartbeat`:
   * text, bytes, or a function that returns one of them. Needs `expect`. @defaultValue none
   */
  readonly send?: Sendable | (() => Sendable) | undefined
  /**
   * The answer to `send`, which `on_message` does not get: text, bytes, or a function that returns `true` for
   * it. Whatever else arrives shows that the peer is alive, too. Needs `send`. @defaultValue none
   */
  readonly expect?: Sendable | ((data: string | Uint8Array) => boolean) | undefined
  /**
   * The question of the peer, which `on_message` does not get: text, bytes, or a function that returns `true`
   * for it. Needs `reply`. @defaultValue none
   */
  readonly receive?: Sendable | ((data: string | Uint8Array) => boolean) | undefined
  /**
   * The answer to `receive`: text, bytes, or a function that gets the question, and returns one of them. It is
   * sent at once, even while `on_message` is busy, unless the queue is full. Needs `receive`.
   * @defaultValue none
   */
  readonly reply?: Sendable | ((question: string | Uint8Array) => Sendable) | undefined
}

type Payload = string | Uint8Array

/** A question or an answer, in both directions. */
interface Exchange {
  readonly compose: (received: Payload) => Sendable
  readonly matches: (received: Payload) => boolean
}

const MESSAGE: OptionRule<never> = {
  may_be_function: true,
  expects: 'text or bytes',
  accepts: is_sendable,
}

const PATTERN: OptionRule<never> = {
  expects: 'text or bytes, or a function that returns whether a message is the one',
  accepts: value => typeof value === 'function' || is_sendable(value),
}

const RULES = { send: MESSAGE, expect: PATTERN, receive: PATTERN, reply: MESSAGE }

/**
 * Makes the value of the option `probe`, a heartbeat by messages: a page can't ping, and some servers expect
 * one. `probe({ send: 'ping', expect: 'pong' })` asks, `probe({ receive: 'ping', reply: 'pong' })` answers. A
 * function that throws is reported as `handler_failed`: then nothing is sent, or the message is delivered.
 *
 * @throws NetError `invalid_option`
 */
export function probe(options: ProbeOptions): Probe {
  const checked = check_options_with<ProbeOptions, never>(list_known, 'probe', options, RULES)
  const asking = exchange(checked.send, checked.expect)
  const answering = exchange(checked.reply, checked.receive)
  if ((asking ?? answering) === undefined) throw incomplete()
  return {
    ask(connection) {
      if (asking !== undefined)
        attempt(connection, 'send', () => connection.offer(as_payload(asking.compose(''))))
      return asking !== undefined
    },
    takes(data, connection) {
      const is_one = (name: string, { matches }: Exchange): boolean =>
        attempt(connection, name, () => matches(data)) === true
      if (asking !== undefined && is_one('expect', asking)) return true
      if (answering === undefined || !is_one('receive', answering)) return false
      attempt(connection, 'reply', () => connection.offer(as_payload(answering.compose(data))))
      return true
    },
  }
}

/** Returns `undefined` if both are left out. */
function exchange(
  message: Sendable | Exchange['compose'] | undefined,
  pattern: Sendable | Exchange['matches'] | undefined,
): Exchange | undefined {
  if (message !== undefined && pattern !== undefined)
    return { compose: composer(message), matches: matcher(pattern) }
  if (message !== pattern) throw incomplete()
  return undefined
}

function composer(given: Sendable | Exchange['compose']): Exchange['compose'] {
  if (typeof given === 'function') return given
  const message = copy_of(given)
  return () => message
}

function matcher(given: Sendable | Exchange['matches']): Exchange['matches'] {
  if (typeof given === 'function') return given
  const expected = copy_of(given)
  if (typeof expected === 'string') return received => received === expected
  return received =>
    typeof received !== 'string' &&
    received.length === expected.length &&
    received.every((byte, index) => byte === expected[index])
}

/** Copies bytes, so that a later change by their owner has no effect. */
function copy_of(given: Sendable): Payload {
  const payload = as_payload(given)
  return typeof payload === 'string' ? payload : new Uint8Array(payload)
}

function is_sendable(value: unknown): boolean {
  try {
    return as_payload(value) !== undefined
  } catch {
    return false
  }
}

/** Calls a function of the user's; reports what it throws, and then returns `undefined`. */
function attempt<Result>(connection: ProbedConnection, name: string, task: () => Result): Result | undefined {
  try {
    return task()
  } catch (cause) {
    connection.report(callback_error(name, cause))
    return undefined
  }
}

function incomplete(): NetError {
  const message = 'probe is incomplete: give send and expect, receive and reply, or all four'
  return new NetError('invalid_option', message)
}
