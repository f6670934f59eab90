/** A message of the ledger. Its number and its stream determine its content, so that no byte goes unchecked. */
export interface NumberedMessage {
  /**
   * A letter for the kind of the messages, and the name of what they belong to: `c` from a client, `g` what it sends
   * in `on_open`, `d` to one session, `b` to all sessions of a server.
   */
  readonly stream: string
  /** Its place in the stream, from 0. */
  readonly number: number
  /** How many broadcasts its sender had sent on this session before. */
  readonly broadcasts: number
  /** What the receiver should do, besides counting it; `''` for nothing. */
  readonly request: '' | 'finish' | 'finished'
}

/** The most bytes that a message has besides its header. */
const MAX_BODY_BYTES = 102_400
/** Each message of such a number, counted from 0, is empty. */
const EMPTY_EACH = 31
/** The header is within this many bytes. */
const MAX_HEADER_BYTES = 128

/** Characters of one, two and three bytes in UTF-8: messages that start at different ones differ. */
const TEXT = Array.from({ length: 2 * MAX_BODY_BYTES }, (_, index) =>
  String.fromCharCode(index % 7 === 0 ? 0x4e00 + (index % 9_973) : 0x20 + (index % 911)),
).join('')
const BYTES = Uint8Array.from({ length: 2 * MAX_BODY_BYTES }, (_, index) => mix(index))

/** Whether the message of that number is empty, unless it requests something. */
export function is_empty_number(number: number): boolean {
  return number % EMPTY_EACH === EMPTY_EACH - 1
}

/** Returns the last number up to `number` whose message is empty. */
export function empty_number_up_to(number: number): number {
  return number - ((number + 1) % EMPTY_EACH)
}

/** Returns the bytes or the text of a message. Most are small, one in 64 has up to 100 KiB. */
export function write_message(message: NumberedMessage): string | Uint8Array<ArrayBuffer> {
  const { stream, number, broadcasts, request } = message
  const mixed = mix(number + mix(stream.length + stream.charCodeAt(stream.length - 1)))
  const is_text = (mixed >>> 8) % 2 === 0
  if (request === '' && is_direct(stream) && is_empty_number(number)) return is_text ? '' : new Uint8Array(0)
  const size = body_size(mixed)
  const start = mix(mixed) % MAX_BODY_BYTES
  const header = `${stream} ${number} ${broadcasts} ${request}|`
  if (is_text) return header + TEXT.slice(start, start + Math.floor(size / 2))
  const bytes = new Uint8Array(1 + header.length + size)
  // The leading bytes of the subprotocol, and one that it does not know.
  bytes[0] = mixed % 3
  new TextEncoder().encodeInto(header, bytes.subarray(1))
  bytes.set(BYTES.subarray(start, start + size), 1 + header.length)
  return bytes
}

/**
 * Returns which message this is; `'empty'` if it is an empty one.
 *
 * @throws Error if it is none, or not as it was sent
 */
export function read_message(data: string | Uint8Array): NumberedMessage | 'empty' {
  if (data.length === 0) return 'empty'
  const start =
    typeof data === 'string'
      ? data.slice(0, MAX_HEADER_BYTES)
      : new TextDecoder().decode(data.subarray(1, MAX_HEADER_BYTES))
  const [, stream, number, broadcasts, request] = /^(\S+) (\d+) (\d+) (\w*)\|/.exec(start) ?? []
  if (stream === undefined) throw new Error(`an unknown message has arrived: ${start.slice(0, 40)}`)
  const message = {
    stream,
    number: Number(number),
    broadcasts: Number(broadcasts),
    request: request as NumberedMessage['request'],
  }
  if (!is_same(write_message(message), data)) throw new Error(`${start.split('|')[0]} has changed on its way`)
  return message
}

/** Only one stream of each direction has empty messages, since nothing in them says to which one they belong. */
function is_direct(stream: string): boolean {
  return stream.startsWith('c') || stream.startsWith('d')
}

function body_size(mixed: number): number {
  const fraction = mix(mixed + 1) / 0x1_0000_0000
  if (mixed % 64 < 1) return Math.floor(fraction * MAX_BODY_BYTES)
  if (mixed % 64 < 8) return Math.floor(fraction * 8_192)
  return Math.floor(fraction * 120)
}

function is_same(expected: string | Uint8Array, data: string | Uint8Array): boolean {
  if (typeof expected === 'string' || typeof data === 'string') return expected === data
  return expected.length === data.length && expected.every((byte, index) => byte === data[index])
}

/** Returns a number of 32 bits that looks random, the same for the same number. */
function mix(number: number): number {
  let mixed = Math.imul(number ^ 0x9e37_79b9, 0x85eb_ca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
