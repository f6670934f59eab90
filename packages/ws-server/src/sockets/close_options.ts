import type { LateMessages } from '@bt/ws-protocol'
import {
  check_options,
  GOING_AWAY,
  is_whole_number,
  MAX_DELAY_MS,
  NORMAL_CLOSURE,
  type OptionRules,
  SERVICE_RESTART,
  TRY_AGAIN_LATER,
  with_retry_hint,
} from '@bt/ws-protocol/internal'

/** Options of a server's `close`. */
export interface CloseOptions {
  /**
   * How long the callbacks of messages that have arrived may take, in milliseconds, before their socket is
   * closed regardless. 0 closes at once, and drops messages that wait for a callback. From 0 to
   * 2,147,483,647. @defaultValue `5000`
   */
  readonly drain_ms?: number | undefined
  /**
   * What happens to messages that were on their way when the server closed, and are not read when the Close
   * goes out. `'dropped'`: whatever reached `on_message` could be answered, and a client may resend what got
   * no answer. `'delivered'`: whatever a client had sent before it received the Close reaches `on_message`,
   * in order, but can't be answered any more, as `send` returns `closed`. If callbacks took longer than
   * `drain_ms`, or the connection ends without the client's Close, they are dropped either way. @defaultValue
   * `'dropped'`
   */
  readonly late?: LateMessages | undefined
  /**
   * The time within which clients should come back, in milliseconds: each gets its own random delay between 0
   * and this, which our client respects. From 0 to 3,600,000. @defaultValue `0`, for no delay
   */
  readonly spread_ms?: number | undefined
  /**
   * The close code: 1000, 1001 (going away), 1012 (restart), 1013 (try again later), or one of your own from
   * 3000 to 4999.
   * @defaultValue `1001`, or `1012` with `spread_ms`
   */
  readonly code?: number | undefined
  /**
   * Whether to end everything at once: all sockets are terminated, without a Close, and queued and received
   * messages are dropped. Pending callbacks are not waited for. @defaultValue `false`
   */
  readonly now?: boolean | undefined
  /** The reason in the Close: at most 99 bytes of UTF-8. @defaultValue `''` */
  readonly reason?: string | undefined
}

const MAX_SPREAD_MS = 3_600_000
/** A Close has room for a reason of 123 bytes (RFC 6455 §5.5), and the retry hint takes up to 24 of them. */
const MAX_REASON_BYTES = 99
const CODES: ReadonlySet<unknown> = new Set([NORMAL_CLOSURE, GOING_AWAY, SERVICE_RESTART, TRY_AGAIN_LATER])

const close_rules: OptionRules<CloseOptions, 'drain_ms' | 'late' | 'spread_ms' | 'now' | 'reason'> = {
  drain_ms: {
    fallback: 5_000,
    expects: `a whole number of milliseconds from 0 to ${MAX_DELAY_MS}`,
    accepts: value => is_whole_number(value, 0, MAX_DELAY_MS),
  },
  late: {
    fallback: 'dropped',
    expects: "'dropped' or 'delivered'",
    accepts: value => value === 'dropped' || value === 'delivered',
  },
  spread_ms: {
    fallback: 0,
    expects: `a whole number of milliseconds from 0 to ${MAX_SPREAD_MS}`,
    accepts: value => is_whole_number(value, 0, MAX_SPREAD_MS),
  },
  code: {
    expects: '1000, 1001, 1012, 1013, or one of your own from 3000 to 4999',
    accepts: value => CODES.has(value) || is_whole_number(value, 3_000, 4_999),
  },
  now: { fallback: false, expects: 'true or false', accepts: value => typeof value === 'boolean' },
  reason: {
    fallback: '',
    expects: `a string of at most ${MAX_REASON_BYTES} bytes`,
    accepts: value => typeof value === 'string' && Buffer.byteLength(value) <= MAX_REASON_BYTES,
  },
}

/** How a server closes its sockets. */
export interface Shutdown {
  readonly code: number
  /** The limit of waiting for callbacks, in milliseconds. */
  readonly drain_ms: number
  /** What happens to messages that are not read when the Close is sent. */
  readonly late: LateMessages
  /** Whether all sockets are terminated instead. */
  readonly now: boolean
  /** Returns the close reason for the next socket, with a random retry hint if `spread_ms` is given. */
  next_reason(): string
}

/**
 * Checks the options of `close`. `random` returns a number from 0 to below 1.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function read_close_options(options: CloseOptions = {}, random: () => number = Math.random): Shutdown {
  const { drain_ms, late, spread_ms, now, reason, code } = check_options('close', options, close_rules)
  return {
    code: code ?? (spread_ms === 0 ? GOING_AWAY : SERVICE_RESTART),
    drain_ms,
    late,
    now,
    next_reason: () => (spread_ms === 0 ? reason : with_retry_hint(reason, Math.floor(random() * spread_ms))),
  }
}
