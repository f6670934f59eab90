import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { type ReceivedMessages, received_messages, type SharedBatch } from '@bt/ws-protocol/internal'

/** The second byte of an envelope. The first is the version, and the identifier of the sender follows. */
const KIND = { MESSAGES: 1, PRESENT: 2, LEFT: 3, TO_NODE: 4 } as const

const VERSION = 1
const NODE_ID_BYTES = 16
const HEADER_BYTES = 2 + NODE_ID_BYTES
const SOCKET_COUNT_BYTES = 4
const WANTS_REPLIES = 1

/** Returns the size of an envelope that holds frames of the given size. */
export function envelope_size(frame_bytes: number): number {
  return HEADER_BYTES + frame_bytes
}

/** A decoded envelope of another server, whose identifier is `node`. */
export type Envelope =
  | ({ readonly kind: 'messages' } & ReceivedMessages)
  | {
      readonly kind: 'present'
      readonly node: string
      readonly sockets: number
      readonly wants_replies: boolean
    }
  | { readonly kind: 'left'; readonly node: string }
  | { readonly kind: 'to_node'; readonly node: string; readonly body: Uint8Array }

/** Encodes the envelopes that servers of a cluster exchange, and decodes those of other servers. */
export class EnvelopeCodec {
  /** The identifier of this server. */
  readonly node: string = randomUUID()
  /** The same as bytes. */
  readonly node_id: Buffer = Buffer.from(this.node.replaceAll('-', ''), 'hex')

  /** Encodes messages, which are framed as sockets will get them. */
  messages(frames: readonly SharedBatch[], frame_bytes: number): Uint8Array {
    const bytes = this.#with_header(KIND.MESSAGES, frame_bytes)
    let at = HEADER_BYTES
    for (const batch of frames) {
      bytes.set(batch.frames, at)
      at += batch.frame_bytes
    }
    return bytes
  }

  /**
   * Encodes that this server is running, and with `wants_replies` that the others should announce themselves
   * as well.
   */
  present(sockets: number, wants_replies: boolean): Uint8Array {
    const bytes = this.#with_header(KIND.PRESENT, SOCKET_COUNT_BYTES + 1)
    bytes.writeUInt32BE(sockets, HEADER_BYTES)
    bytes.writeUInt8(wants_replies ? WANTS_REPLIES : 0, HEADER_BYTES + SOCKET_COUNT_BYTES)
    return bytes
  }

  /** Encodes bytes for one server alone. */
  to_node(body: Uint8Array): Uint8Array {
    const bytes = this.#with_header(KIND.TO_NODE, body.length)
    bytes.set(body, HEADER_BYTES)
    return bytes
  }

  /** Encodes that this server has left. */
  left(): Uint8Array {
    return this.#with_header(KIND.LEFT, 0)
  }

  /**
   * Decodes an envelope. Returns `'own'` for one of this server, and `undefined` for bytes that no server of
   * this version writes.
   */
  decode(bytes: Uint8Array): Envelope | 'own' | undefined {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (buffer.length < HEADER_BYTES || buffer[0] !== VERSION) return undefined
    if (this.node_id.compare(buffer, 2, HEADER_BYTES) === 0) return 'own'
    const node_id = buffer.subarray(2, HEADER_BYTES)
    switch (buffer[1]) {
      case KIND.MESSAGES: {
        const received = received_messages(buffer.subarray(HEADER_BYTES), isUtf8)
        return received && { kind: 'messages', ...received }
      }
      case KIND.PRESENT: {
        if (buffer.length !== HEADER_BYTES + SOCKET_COUNT_BYTES + 1) return undefined
        return {
          kind: 'present',
          node: format_uuid(node_id),
          sockets: buffer.readUInt32BE(HEADER_BYTES),
          wants_replies: buffer[HEADER_BYTES + SOCKET_COUNT_BYTES] === WANTS_REPLIES,
        }
      }
      case KIND.TO_NODE:
        return { kind: 'to_node', node: format_uuid(node_id), body: buffer.subarray(HEADER_BYTES) }
      case KIND.LEFT:
        return { kind: 'left', node: format_uuid(node_id) }
      default:
        return undefined
    }
  }

  #with_header(kind: number, body_bytes: number): Buffer {
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + body_bytes)
    bytes[0] = VERSION
    bytes[1] = kind
    this.node_id.copy(bytes, 2)
    return bytes
  }
}

/** Formats the bytes of a UUID (RFC 9562 §4). */
function format_uuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
