import { NetError } from '@bt/ws-protocol'
import { describe_parts, is_whole_number, MAX_DELAY_MS, type OptionRule } from '@bt/ws-protocol/internal'

const MAX_HELD = 10_000_000
const MAX_BYTES = 1_099_511_627_776
const DEFAULTS = { hold_ms: 60_000, max_held: 10_000, max_held_bytes: 268_435_456 }

/** Who somebody is, to compare: the identifier of a user, for example. */
export type SessionIdentity = string | number | bigint

/** How a server keeps the sessions of clients that have lost their connection. */
export interface SessionsOptions<Data = unknown> {
  /**
   * How long a session waits for its client, in milliseconds; then it ends with the cause `network`. From 1 to
   * 2,147,483,647. @defaultValue `60000`
   */
  readonly hold_ms?: number | undefined
  /**
   * How many sessions may wait at the same time; above it, those end that have waited longest, with the cause
   * `overflow`. From 1 to 10,000,000. @defaultValue `10000`
   */
  readonly max_held?: number | undefined
  /**
   * How many bytes the waiting sessions may hold together: messages to send and messages that wait for a callback.
   * Above it, those end that hold most. It is checked once a second. From 1 to 1,099,511,627,776.
   * @defaultValue 256 MiB
   */
  readonly max_held_bytes?: number | undefined
  /**
   * Returns whose session it is, from what `authorize` returned: only a client with the same identity goes on with
   * a session. Required with `authorize`. @defaultValue none: the secret token of the session alone decides
   */
  readonly identity?: ((data: Data) => SessionIdentity) | undefined
}

/** The option `sessions`, filled in. */
export interface SessionsSettings {
  readonly hold_ms: number
  readonly max_held: number
  readonly max_held_bytes: number
  readonly identity: ((data: unknown) => SessionIdentity) | undefined
}

/** The rule of the option `sessions`. */
export const sessions_rule: OptionRule<boolean | SessionsOptions> = {
  shown: describe_parts,
  expects: `true, false, or { hold_ms, max_held, max_held_bytes, identity }: whole numbers from 1 to ${MAX_DELAY_MS}, ${MAX_HELD} and ${MAX_BYTES}, and a function`,
  accepts: value => typeof value === 'boolean' || is_sessions(value),
  copy: value => (typeof value === 'boolean' ? value : { ...value }),
}

/** Fills in the option `sessions`; returns `undefined` if it is off. */
export function sessions_settings(
  sessions: boolean | SessionsOptions | undefined,
): SessionsSettings | undefined {
  if (sessions === undefined || sessions === false) return undefined
  const { identity, ...limits } = sessions === true ? {} : sessions
  const given = Object.entries(limits).filter(([, value]) => value !== undefined)
  return { ...DEFAULTS, ...Object.fromEntries(given), identity }
}

/**
 * Checks that a server which knows who its clients are also says whose a session is.
 *
 * @throws NetError `invalid_option`
 */
export function check_identity(sessions: boolean | SessionsOptions | undefined, authorize: unknown): void {
  if (authorize === undefined || sessions === undefined || sessions === false) return
  if (typeof sessions === 'object' && sessions.identity !== undefined) return
  throw new NetError(
    'invalid_option',
    'listen: sessions with authorize need to know whose a session is; give sessions: { identity: data => data.user_id }',
  )
}

function is_sessions(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { hold_ms, max_held, max_held_bytes, identity, ...unknown } = value as SessionsOptions
  const is_limit = (limit: unknown, max: number): boolean =>
    limit === undefined || is_whole_number(limit, 1, max)
  return (
    Object.keys(unknown).length === 0 &&
    is_limit(hold_ms, MAX_DELAY_MS) &&
    is_limit(max_held, MAX_HELD) &&
    is_limit(max_held_bytes, MAX_BYTES) &&
    (identity === undefined || typeof identity === 'function')
  )
}
