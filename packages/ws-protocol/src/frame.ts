/** What a data frame holds (RFC 6455 §5.2). */
export const OPCODE = { TEXT: 0x1, BINARY: 0x2 } as const

const FIN = 0x80
const MASKED = 0x80
const OPCODE_BITS = 0x0f
const LENGTH_BITS = 0x7f
const MASK_KEY_BYTES = 4
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127

/** How many bytes the header of a frame takes (RFC 6455 §5.2). A client's frames are masked and a server's never are (§5.1). */
export function header_size(payload_bytes: number, is_masked: boolean): number {
  const length_bytes = payload_bytes < LENGTH_IN_2_BYTES ? 2 : payload_bytes <= 0xffff ? 4 : 10
  return is_masked ? length_bytes + MASK_KEY_BYTES : length_bytes
}

/**
 * Writes the header of a whole message as one frame, and returns the offset where its payload goes. The key of a masked frame
 * is left zero, which masks nothing, until {@link mask_frames} sets it.
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

/** One frame of a batch that {@link write_header} headed. */
export interface FrameView {
  /** {@link OPCODE}: text or binary. */
  readonly opcode: number
  /** The payload, seen in place; masked once {@link mask_frames} has run. */
  readonly payload: Uint8Array
}

/** Reads back, one by one, the frames that {@link write_header} headed. For our own frames only: it trusts every byte. */
export function* read_frames(bytes: Uint8Array): Generator<FrameView> {
  for (let at = 0; at < bytes.length; ) {
    const start = payload_start(bytes, at)
    const end = start + payload_length(bytes, at)
    yield { opcode: (bytes[at] as number) & OPCODE_BITS, payload: bytes.subarray(start, end) }
    at = end
  }
}

/**
 * Masks every frame in place (RFC 6455 §5.3), each with a key of its own from `next_key`, which must be a 32-bit number from a
 * source that nobody can predict (§10.3).
 */
export function mask_frames(bytes: Uint8Array, next_key: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const start = payload_start(bytes, at)
    const end = start + payload_length(bytes, at)
    write_uint32(bytes, start - MASK_KEY_BYTES, next_key())
    for (let i = start; i < end; i += 1) {
      bytes[i] = (bytes[i] as number) ^ (bytes[start - MASK_KEY_BYTES + ((i - start) & 3)] as number)
    }
    at = end
  }
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
