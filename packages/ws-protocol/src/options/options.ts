import { describe_value } from '../errors/errors.js'
import type { AbortSignalLike } from './abort.js'
import {
  describe_secret,
  describe_type,
  type FilledOptionRule,
  type OptionRule,
  type OptionRules,
  type RequiredOptionRule,
} from './option_rule.js'
import type { Probe } from './probe_option.js'

/**
 * The longest delay that every platform's timers accept, in milliseconds, about 24 days. It also limits sizes
 * in bytes.
 */
export const MAX_DELAY_MS = 2_147_483_647
/** The longest string in V8: a longer text could be received, but not delivered. */
const MAX_TEXT_BYTES = 536_870_888
/**
 * A character that a token (RFC 7230 §3.2.6), such as a subprotocol's name (RFC 6455 §4.1), must not contain.
 */
const NO_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/u

/** How messages are compressed (permessage-deflate, RFC 7692), always without context takeover. */
export interface CompressionOptions {
  /** Messages of fewer bytes are sent uncompressed. @defaultValue `1024` */
  readonly threshold?: number | undefined
  /** The zlib level, from 1 (fastest) to 9 (smallest). @defaultValue `6` */
  readonly level?: number | undefined
}

/** A network in memory, for tests: what `memory_network` of `@bt/net/testing` returns. */
export interface MemoryNetworkLike {
  /** Resolves when nothing moves any more. */
  settled(): Promise<void>
}

/** Options that `listen` and `connect` share. */
export interface ConnectionOptions<Binary extends boolean> {
  /**
   * Whether to accept binary messages. `false`: `data` is always a `string`, and a binary message closes the
   * connection with 1003. `true`: `data` is a `string` or a `Uint8Array`. Bytes can be sent either way.
   * @defaultValue `false`
   */
  binary?: Binary | undefined
  /**
   * The largest message to accept, in bytes after decompression; a larger one closes with 1009 (RFC 6455
   * §7.4.1). From 1 to 536,870,888, the longest string there is. @defaultValue 1 MiB
   */
  max_payload?: number | undefined
  /**
   * How many fragments a received message may have (RFC 6455 §5.4); more close with 1008. Many tiny fragments
   * cost memory out of proportion. Browsers use their own limit. From 1 to 1,000,000. @defaultValue `1024` on
   * a server, `16384` on a client
   */
  max_fragments?: number | undefined
  /**
   * Limit of the send queue, in bytes with frame headers. It holds what the network has not taken yet; when
   * it is full, `send` returns `queue_full`. From 1 to 2,147,483,647. @defaultValue 4 MiB
   */
  max_queue?: number | undefined
  /**
   * How long the peer may be silent before it is pinged (RFC 6455 §5.5.2), in milliseconds; after twice this
   * time, the connection ends with the cause `heartbeat`. `false` turns this off. The connection is checked
   * ten times in that span. A peer that is slow to take messages shows a sign of life with each 64 KiB, or
   * each larger message: set this higher for large messages over slow links. A browser can't ping: there,
   * silence only counts while it is offline, or while sent data does not go out; with a `probe`, it always
   * counts. From 1 to 2,147,483,647. @defaultValue `25000`
   */
  heartbeat?: number | false | undefined
  /**
   * What `probe` returns: messages that show whether the peer is alive, which `on_message` does not get. With
   * `probe({ send: 'ping', expect: 'pong' })`, a silent peer gets a message instead of a ping; with
   * `probe({ receive: 'ping', reply: 'pong' })`, the messages by which the peer asks are answered. A page then
   * takes any silence of twice `heartbeat` for the end, so the peer has to answer, or ask, more often than
   * that. @defaultValue none
   */
  probe?: Probe | undefined
  /**
   * How long a closing connection may make no progress before it is terminated, in milliseconds. This limits
   * the wait for the peer to take each queued piece, 64 KiB or one larger message, and then the wait for its
   * Close. From 1 to 2,147,483,647. @defaultValue `5000`
   */
  close_timeout?: number | undefined
  /**
   * Whether to offer or accept permessage-deflate (RFC 7692), and how. It costs CPU time, and about 300 KB
   * for each connection that compresses. Browsers decide for themselves. @defaultValue `false`
   */
  compression?: boolean | CompressionOptions | undefined
  /**
   * The network of a test: with the type `'mem'`, and only then. `memory_network()` of `@bt/net/testing` makes
   * one. @defaultValue none
   */
  network?: MemoryNetworkLike | undefined
  /**
   * Aborting this signal calls `close()`; if it is aborted already, nothing is connected or bound.
   * @defaultValue none
   */
  signal?: AbortSignalLike | undefined
}

/** The shared options that only the wire on Node uses; a browser decides for itself. */
export type WireOption = 'max_fragments' | 'compression'

/** The shared options that only Node has. */
export type NodeOption = WireOption | 'network'

/** The shared options that always have a value once checked. */
export type FilledConnectionOption = 'binary' | 'max_payload' | 'max_queue' | 'heartbeat' | 'close_timeout'

/** The rules of the shared options that apply on every platform; `node_rules` has the others. */
export const connection_rules: OptionRules<
  Omit<ConnectionOptions<boolean>, NodeOption>,
  FilledConnectionOption
> = {
  binary: {
    fallback: false,
    expects: 'true or false',
    accepts: value => typeof value === 'boolean',
  },
  max_payload: whole_number('bytes', MAX_TEXT_BYTES, 1_048_576),
  max_queue: whole_number('bytes', MAX_DELAY_MS, 4_194_304),
  heartbeat: milliseconds_or_false(25_000),
  close_timeout: milliseconds(5_000),
  probe: {
    expects: 'what probe() returns',
    accepts: value => 'takes' in (value as Probe),
  },
  signal: {
    expects: 'an AbortSignal',
    accepts: value => {
      const { aborted, addEventListener } = value as AbortSignalLike
      return typeof aborted === 'boolean' && typeof addEventListener === 'function'
    },
  },
}

/** The rule of `protocols`, on both sides. A browser has its own check. */
export const protocols_rule: FilledOptionRule<readonly string[]> = {
  fallback: [],
  expects: 'an array of subprotocol names, each once',
  accepts: value => flawed_protocols(value) === undefined,
  copy: names => [...names],
  shown: flawed_protocols,
}

/** Returns a rule for a whole number of `unit`, from 1 to `max`. */
export function whole_number(unit: string, max: number, fallback: number): FilledOptionRule<number> {
  return {
    fallback,
    expects: `a whole number of ${unit} from 1 to ${max}`,
    accepts: value => is_whole_number(value, 1, max),
  }
}

/** Whether `value` is a whole number from `min` to `max`. */
export function is_whole_number(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max
}

/** Returns a rule for a time in milliseconds. */
export function milliseconds(fallback: number): FilledOptionRule<number> {
  return whole_number('milliseconds', MAX_DELAY_MS, fallback)
}

function milliseconds_or_false(fallback: number): FilledOptionRule<number | false> {
  const { expects, accepts } = milliseconds(fallback)
  return { fallback, expects: `${expects}, or false`, accepts: value => value === false || accepts(value) }
}

/** Returns a rule for an optional callback. */
export function callback<Callback>(): OptionRule<Callback> {
  return { expects: 'a function', accepts: value => typeof value === 'function' }
}

/** Returns a rule for the `type` that selects this kind of connection. */
export function exactly<Type extends string>(type: Type): RequiredOptionRule<Type> {
  return { is_required: true, expects: `'${type}'`, accepts: value => value === type }
}

/** Whether `value` is a token (RFC 9110 §5.6.2), as the names of headers and subprotocols are. */
export function is_token(value: unknown): value is string {
  return token_flaw(value) === undefined
}

/**
 * Returns what is wrong with a value that should be a token, such as `has U+0020 at index 1`; `undefined` if
 * it is valid.
 */
export function token_flaw(value: unknown): string | undefined {
  return value === '' ? 'is empty' : text_flaw(value, NO_TOKEN)
}

/**
 * Returns what is wrong with a value that should be text without any character that `forbidden` matches, such
 * as `has U+000A at index 7`; `undefined` if it is valid. It never shows the text itself, which may be a
 * secret.
 */
export function text_flaw(value: unknown, forbidden: RegExp): string | undefined {
  if (typeof value !== 'string') return `is ${describe_type(value)}`
  const index = value.search(forbidden)
  if (index === -1) return undefined
  const code_point = (value.codePointAt(index) as number).toString(16).toUpperCase().padStart(4, '0')
  return `has U+${code_point} at index ${index}`
}

/**
 * Returns what is wrong with a list of subprotocols, if anything. The names are not shown, since web pages
 * pass access tokens as subprotocols.
 */
function flawed_protocols(value: unknown): string | undefined {
  if (!Array.isArray(value)) return describe_secret(value)
  for (const [index, name] of value.entries()) {
    const flaw = token_flaw(name) ?? (value.indexOf(name) < index && 'is there twice')
    if (flaw) return `${describe_value(value)}, in which the name at index ${index} ${flaw}`
  }
  return undefined
}
