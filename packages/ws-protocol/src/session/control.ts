import { is_close_code } from '../frames/close_code.js'
import { LEADING_BYTE } from '../frames/leading_byte.js'

/**
 * The control messages of the subprotocol `bt.session.1`. Each is a binary message: the byte 0, a byte for its
 * kind, and its fields. A field is a count (unsigned LEB128, at most 2^53 - 1), or bytes behind their length,
 * which is a count. No field may be missing, and nothing may follow the last one.
 */
export type Control = Hello | Welcome | Ack | Ping | End

/** The first message of a client on each socket: it asks for a new session, or for its own. */
export interface Hello extends Counts {
  readonly type: 'hello'
  /** The token of the session to go on with; empty for a new one. */
  readonly token: Uint8Array
}

/** The first message of a server on each socket. */
export interface Welcome extends Counts {
  readonly type: 'welcome'
  /** Whether the session that the client asked for goes on. If not, this is a new one, with counts of 0. */
  readonly recovered: boolean
  /** The token for the next hello. */
  readonly token: Uint8Array
  /** How long the server keeps the session without a socket, in milliseconds. */
  readonly hold_ms: number
  /** The user's subprotocol that the server has chosen (RFC 6455 §1.9); `''` if there is none. */
  readonly protocol: string
}

/** What each side says at first about the messages of the other. */
export interface Counts {
  /** How many have arrived. */
  readonly received: number
  /** How many of them its application has handled. */
  readonly handled: number
  /**
   * How many bytes of messages, frames included, may be on their way to this side or wait there, not handled. At
   * that size, the other side waits for an {@link Ack}; the message that reaches it may be of any size.
   */
  readonly window: number
}

/**
 * Says how many messages the application has handled so far, when a quarter of the window is handled, 64 KiB at
 * most, or after 200 ms.
 */
export interface Ack {
  readonly type: 'ack'
  readonly handled: number
}

/** Asks for a sign of life, which is a pong, and for an acknowledgement of what has arrived so far. */
export interface Ping {
  readonly type: 'ping' | 'pong'
}

/** Ends the session: the Close that follows is no accident. */
export interface End {
  readonly type: 'end'
  /** How many messages this application has handled; it handles no more. */
  readonly handled: number
  /** The code of the Close (RFC 6455 §7.4). */
  readonly code: number
}

/** The name of the subprotocol (RFC 6455 §1.9). */
export const SESSION_PROTOCOL = 'bt.session.1'

const KIND = { hello: 1, welcome: 2, ack: 3, ping: 4, pong: 5, end: 6 } as const

/** Returns the bytes of a control message. */
export function write_control(message: Control): Uint8Array {
  const bytes: number[] = [LEADING_BYTE.CONTROL, KIND[message.type]]
  const count = (value: number): void => {
    let rest = value
    for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
    bytes.push(rest)
  }
  const block = (block_bytes: Iterable<number> & { readonly length: number }): void => {
    count(block_bytes.length)
    bytes.push(...block_bytes)
  }
  const counts = ({ received, handled, window }: Counts): void => [received, handled, window].forEach(count)
  switch (message.type) {
    case 'hello':
      block(message.token)
      counts(message)
      break
    case 'welcome':
      count(Number(message.recovered))
      block(message.token)
      counts(message)
      count(message.hold_ms)
      block(Array.from(message.protocol, character => character.charCodeAt(0)))
      break
    case 'ack':
      count(message.handled)
      break
    case 'end':
      count(message.handled)
      count(message.code)
  }
  return Uint8Array.from(bytes)
}

/** Returns the control message of a binary message whose first byte is 0; `undefined` if it is none. */
export function read_control(bytes: Uint8Array): Control | undefined {
  const fields = new Fields(bytes, 2)
  const message = read_fields(bytes[1], fields)
  return fields.is_valid_end ? message : undefined
}

function read_fields(kind: number | undefined, fields: Fields): Control | undefined {
  switch (kind) {
    case KIND.hello:
      return { type: 'hello', token: fields.block(), ...read_counts(fields) }
    case KIND.welcome: {
      const recovered = fields.count(1) === 1
      const token = fields.block()
      const counts = read_counts(fields)
      const hold_ms = fields.count()
      const protocol = String.fromCharCode(...fields.block())
      return { type: 'welcome', recovered, token, ...counts, hold_ms, protocol }
    }
    case KIND.ack:
      return { type: 'ack', handled: fields.count() }
    case KIND.ping:
      return { type: 'ping' }
    case KIND.pong:
      return { type: 'pong' }
    case KIND.end:
      return { type: 'end', handled: fields.count(), code: fields.close_code() }
    default:
      return undefined
  }
}

function read_counts(fields: Fields): Counts {
  return { received: fields.count(), handled: fields.count(), window: fields.count() }
}

/** The longest block, in bytes: a token, or the name of a subprotocol. */
const MAX_BLOCK_BYTES = 255

/** Reads the fields of a message one after another. A flaw shows at the end. */
class Fields {
  readonly #bytes: Uint8Array
  #at: number
  #is_valid = true

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    this.#at = at
  }

  /** Whether all fields were valid, and none is left. */
  get is_valid_end(): boolean {
    return this.#is_valid && this.#at === this.#bytes.length
  }

  count(max: number = Number.MAX_SAFE_INTEGER): number {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes[this.#at++]
      // A number has one form only, so its last byte is not 0, unless it is the only one.
      if (byte === undefined || (byte === 0 && unit > 1)) return this.#flawed()
      value += (byte & 0x7f) * unit
      if (value > max) return this.#flawed()
      if (byte < 0x80) return value
    }
  }

  close_code(): number {
    const code = this.count()
    return is_close_code(code) ? code : this.#flawed()
  }

  block(): Uint8Array {
    const length = this.count(MAX_BLOCK_BYTES)
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) this.#flawed()
    return this.#bytes.slice(start, this.#at)
  }

  #flawed(): number {
    this.#is_valid = false
    // Nothing more is read.
    this.#at = this.#bytes.length
    return 0
  }
}
