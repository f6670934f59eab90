import {
  check_options,
  GOING_AWAY,
  is_whole_number,
  type LateMessages,
  NORMAL_CLOSURE,
  type OptionRules,
  SERVICE_RESTART,
  TRY_AGAIN_LATER,
  with_retry_hint,
} from '@bt/ws-protocol'

/** How a server closes. */
export interface CloseOptions {
  /**
   * How long the callbacks of messages that have arrived may take until their socket is closed all the same, in milliseconds. 0 closes at
   * once, and drops the messages that wait for a callback. From 0 to 2,147,483,647. @defaultValue `5000`
   */
  readonly drain_ms?: number | undefined
  /**
   * What becomes of messages that were under way when the server closed, so that it has not read them when the Close goes out. `'dropped'`: whatever reached
   * `on_message` could be answered, and a client may send again what it got no answer to. `'delivered'`: whatever a client had sent before it heard of the
   * Close reaches `on_message`, in order, and can't be answered any more, as `send` returns `closed`. Where callbacks took longer than `drain_ms`, or the
   * connection ends without the client's Close, they are dropped in either case. @defaultValue `'dropped'`
   */
  readonly late?: LateMessages | undefined
  /**
   * Over how many milliseconds the clients should come back: each is told a wait of its own, drawn between 0 and this, which our client
   * keeps to. From 0 to 3,600,000. @defaultValue `0`, which tells none
   */
  readonly spread_ms?: number | undefined
  /**
   * The close code: 1000, 1001 (going away), 1012 (restart), 1013 (try again later), or one of your own from 3000 to 4999.
   * @defaultValue `1001`, or `1012` with `spread_ms`
   */
  readonly code?: number | undefined
  /** The reason that goes with it: at most 99 bytes of UTF-8. @defaultValue `''` */
  readonly reason?: string | undefined
}

const MAX_DRAIN_MS = 2_147_483_647
const MAX_SPREAD_MS = 3_600_000
/** RFC 6455 §5.5 leaves 123 bytes, and the hint takes up to 24 of them. */
const MAX_REASON_BYTES = 99
const CODES: ReadonlySet<unknown> = new Set([NORMAL_CLOSURE, GOING_AWAY, SERVICE_RESTART, TRY_AGAIN_LATER])

const close_rules: OptionRules<CloseOptions, 'drain_ms' | 'late' | 'spread_ms' | 'reason'> = {
  drain_ms: {
    fallback: 5_000,
    expects: `a whole number of milliseconds from 0 to ${MAX_DRAIN_MS}`,
    accepts: value => is_whole_number(value, 0, MAX_DRAIN_MS),
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
    fallback: undefined,
    expects: '1000, 1001, 1012, 1013, or one of your own from 3000 to 4999',
    accepts: value => CODES.has(value) || is_whole_number(value, 3_000, 4_999),
  },
  reason: {
    fallback: '',
    expects: `a string of at most ${MAX_REASON_BYTES} bytes`,
    accepts: value => typeof value === 'string' && Buffer.byteLength(value) <= MAX_REASON_BYTES,
  },
}

/** What each socket is told when its server closes. */
export interface Shutdown {
  readonly code: number
  /** Milliseconds until callbacks are waited for no longer. */
  readonly drain_ms: number
  /** What becomes of messages that it has not read then. */
  readonly late: LateMessages
  /** The reason for the next socket, with a wait of its own where they are to be spread. */
  next_reason(): string
}

/**
 * Reads the options of `close`; `random`: a number from 0 up to 1, which it never is.
 *
 * @throws NetError `invalid_option`, naming the option, the value got and what was expected
 */
export function read_close_options(options: CloseOptions = {}, random: () => number = Math.random): Shutdown {
  const { drain_ms, late, spread_ms, reason, code } = check_options('close', options, close_rules)
  return {
    code: code ?? (spread_ms === 0 ? GOING_AWAY : SERVICE_RESTART),
    drain_ms,
    late,
    next_reason: () => (spread_ms === 0 ? reason : with_retry_hint(reason, Math.floor(random() * spread_ms))),
  }
}
