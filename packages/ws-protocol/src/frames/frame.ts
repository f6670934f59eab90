import { LEADING_BYTE } from './leading_byte.js'
import { mask, release_words } from './mask.js'

/** Opcodes (RFC 6455 §5.2). */
export const OPCODE = { TEXT: 0x1, BINARY: 0x2, CLOSE: 0x8, PING: 0x9, PONG: 0xa } as const

const FIN = 0x80
const RSV1 = 0x40
const MASKED = 0x80
const OPCODE_BITS = 0x0f
const LENGTH_BITS = 0x7f
const MASK_KEY_BYTES = 4
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127

/**
 * Returns the size of a frame's header in bytes (RFC 6455 §5.2). A client's frames are masked, and a server's
 * never are (§5.1).
 */
export function header_size(payload_bytes: number, is_masked: boolean): number {
  const length_bytes = payload_bytes < LENGTH_IN_2_BYTES ? 2 : payload_bytes <= 0xffff ? 4 : 10
  return is_masked ? length_bytes + MASK_KEY_BYTES : length_bytes
}

/**
 * Writes the header of a message in one frame, and returns the offset of its payload. The masking key stays
 * zero, which masks nothing, until {@link mask_frames} sets it.
 */
export function write_header(
  target: Uint8Array,
  offset: number,
  opcode: number,
  payload_bytes: number,
  is_masked: boolean,
): number {
  const mask_bit = is_masked ? MASKED : 0
  let at = offset
  target[at++] = FIN | opcode
  if (payload_bytes < LENGTH_IN_2_BYTES) {
    target[at++] = mask_bit | payload_bytes
  } else if (payload_bytes <= 0xffff) {
    target[at++] = mask_bit | LENGTH_IN_2_BYTES
    target[at++] = payload_bytes >>> 8
    target[at++] = payload_bytes & 0xff
  } else {
    target[at++] = mask_bit | LENGTH_IN_8_BYTES
    at = write_uint32(target, at, Math.floor(payload_bytes / 0x1_0000_0000))
    at = write_uint32(target, at, payload_bytes >>> 0)
  }
  return is_masked ? write_uint32(target, at, 0) : at
}

/** Writes UTF-8 into a buffer, starting at an offset, and returns how many bytes it took. */
export type WriteText = (text: string, target: Uint8Array, offset: number) => number

/**
 * Writes a text message as one frame into a buffer with enough room, and returns the offset of its end. The
 * text is written behind a header of the likely size, and moved if the header turns out longer: that is
 * faster than measuring the text first.
 */
export function write_text_frame(
  target: Uint8Array,
  start: number,
  text: string,
  is_masked: boolean,
  write_text: WriteText,
): number {
  const likely_start = start + header_size(text.length, is_masked)
  const payload_bytes = write_text(text, target, likely_start)
  const payload_start = start + header_size(payload_bytes, is_masked)
  if (payload_start !== likely_start)
    target.copyWithin(payload_start, likely_start, likely_start + payload_bytes)
  write_header(target, start, OPCODE.TEXT, payload_bytes, is_masked)
  return payload_start + payload_bytes
}

/**
 * Writes a binary message as one frame into a buffer with enough room, and returns the offset of its end.
 * `leading_bytes`: 1 for a message of a session, which begins with a byte of its own; otherwise 0.
 */
export function write_binary_frame(
  target: Uint8Array,
  start: number,
  payload: Uint8Array,
  is_masked: boolean,
  leading_bytes: 0 | 1 = 0,
): number {
  const header_end = write_header(target, start, OPCODE.BINARY, leading_bytes + payload.length, is_masked)
  if (leading_bytes > 0) target[header_end] = LEADING_BYTE.APPLICATION
  const payload_start = header_end + leading_bytes
  target.set(payload, payload_start)
  return payload_start + payload.length
}

/** Returns a new frame with a message or a control payload; RSV1 marks a compressed payload (RFC 7692 §6). */
export function make_frame(
  opcode: number,
  payload: Uint8Array,
  is_masked: boolean,
  is_compressed = false,
): Uint8Array {
  const frame = new Uint8Array(header_size(payload.length, is_masked) + payload.length)
  const first = is_compressed ? opcode | RSV1 : opcode
  frame.set(payload, write_header(frame, 0, first, payload.length, is_masked))
  return frame
}

/**
 * Returns the end of the frame at an offset of untrusted bytes; `undefined` unless it is a whole message as a
 * server may send it: text or binary, not masked, and with the shortest encoding of its length (RFC 6455
 * §5.2), since a client may fail the connection otherwise.
 */
export function frame_end(bytes: Uint8Array, at: number): number | undefined {
  const first = bytes[at]
  const is_message = first === (FIN | OPCODE.TEXT) || first === (FIN | OPCODE.BINARY)
  if (!is_message || at + 1 >= bytes.length || ((bytes[at + 1] as number) & MASKED) !== 0) return undefined
  const start = payload_start(bytes, at)
  if (start > bytes.length) return undefined
  const length = payload_length(bytes, at)
  const end = start + length
  return end <= bytes.length && start === at + header_size(length, false) ? end : undefined
}

/** Returns the payload of the frame between these offsets if it is text; `undefined` if it is binary. */
export function text_payload(bytes: Uint8Array, at: number, end: number): Uint8Array | undefined {
  const is_text = ((bytes[at] as number) & OPCODE_BITS) === OPCODE.TEXT
  return is_text ? bytes.subarray(payload_start(bytes, at), end) : undefined
}

/** One frame of our own, as {@link write_header} writes it. */
export interface FrameView {
  /** Text or binary, as in {@link OPCODE}. */
  readonly opcode: number
  /** A view of the payload; masked once {@link mask_frames} has run. */
  readonly payload: Uint8Array
}

/**
 * Iterates over frames that {@link write_header} wrote. For our own frames only, since it trusts every byte.
 */
export function* read_frames(bytes: Uint8Array): Generator<FrameView> {
  for (let at = 0; at < bytes.length; ) {
    const start = payload_start(bytes, at)
    const end = start + payload_length(bytes, at)
    yield { opcode: (bytes[at] as number) & OPCODE_BITS, payload: bytes.subarray(start, end) }
    at = end
  }
}

/** Returns the end of the last whole frame in bytes that begin with one. For our own frames only. */
export function whole_frames_end(bytes: Uint8Array): number {
  for (let at = 0; ; ) {
    // The longest header of an unmasked frame has 10 bytes, and the first two say how many there are.
    const header_end = at + 2 <= bytes.length ? payload_start(bytes, at) : Number.POSITIVE_INFINITY
    const end = header_end <= bytes.length ? own_frame_end(bytes, at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) return at
    at = end
  }
}

/** Returns the end of the frame at an offset. For our own frames only. */
export function own_frame_end(bytes: Uint8Array, at: number): number {
  return payload_start(bytes, at) + payload_length(bytes, at)
}

/**
 * Masks every frame in place (RFC 6455 §5.3), each with its own key from `next_key`, which must return
 * unpredictable 32-bit numbers (§10.3).
 */
export function mask_frames(bytes: Uint8Array, next_key: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const start = payload_start(bytes, at)
    const end = start + payload_length(bytes, at)
    const key = next_key()
    write_uint32(bytes, start - MASK_KEY_BYTES, key)
    mask(bytes, start, end, key)
    at = end
  }
  release_words()
}

function payload_start(bytes: Uint8Array, at: number): number {
  const second = bytes[at + 1] as number
  const length = second & LENGTH_BITS
  const length_bytes = length < LENGTH_IN_2_BYTES ? 2 : length === LENGTH_IN_2_BYTES ? 4 : 10
  return at + length_bytes + ((second & MASKED) === 0 ? 0 : MASK_KEY_BYTES)
}

function payload_length(bytes: Uint8Array, at: number): number {
  const length = (bytes[at + 1] as number) & LENGTH_BITS
  if (length < LENGTH_IN_2_BYTES) return length
  if (length === LENGTH_IN_2_BYTES) return ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return read_uint32(bytes, at + 2) * 0x1_0000_0000 + read_uint32(bytes, at + 6)
}

function write_uint32(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24
  target[at + 1] = (value >>> 16) & 0xff
  target[at + 2] = (value >>> 8) & 0xff
  target[at + 3] = value & 0xff
  return at + 4
}

function read_uint32(bytes: Uint8Array, at: number): number {
  const [a, b, c, d] = bytes.subarray(at, at + 4) as unknown as [number, number, number, number]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
