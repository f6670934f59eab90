import { FIN, frame_bytes, RSV1 } from '@bt/test-support/frames'

/** How a frame is written; by default, it is final and not masked. */
export interface FrameOptions {
  readonly fin?: boolean
  readonly is_masked?: boolean
  /** Sets RSV1 (RFC 7692 §6). */
  readonly is_compressed?: boolean
  /** The length in the header, if it differs from that of the payload. */
  readonly length?: number
}

const KEY = 0x1122_3344

/** Returns the bytes of a frame (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  { fin = true, is_masked = false, is_compressed = false, length }: FrameOptions = {},
): Buffer {
  return frame_bytes({
    first: (fin ? FIN : 0) | (is_compressed ? RSV1 : 0) | opcode,
    payload: Buffer.from(payload as Uint8Array),
    key: is_masked ? KEY : undefined,
    length: length === undefined ? undefined : BigInt(length),
  })
}
