import { isUtf8 } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { type ReceivedMessages, received_messages, type SharedBatch } from '@bt/ws-protocol/internal'

/** What servers say to each other is one of these, behind the version, and before the name of the server that says it. */
const KIND = { MESSAGES: 1, PRESENT: 2, LEFT: 3 } as const

const VERSION = 1
const NODE_BYTES = 16
const HEADER_BYTES = 2 + NODE_BYTES
const COUNT_BYTES = 4
const ASKS = 1

/** How many bytes cross a broker for frames of so many. */
export function envelope_size(frame_bytes: number): number {
  return HEADER_BYTES + frame_bytes
}

/** What another server said; `node` is its name. */
export type Envelope =
  | ({ readonly kind: 'messages' } & ReceivedMessages)
  | { readonly kind: 'present'; readonly node: string; readonly sockets: number; readonly asks: boolean }
  | { readonly kind: 'left'; readonly node: string }

/** Writes what one server says to the others, and reads what they say. */
export class EnvelopeCodec {
  /** The name of this server, which no other ever has. */
  readonly node: string = randomUUID()
  readonly #node_bytes: Buffer = Buffer.from(this.node.replaceAll('-', ''), 'hex')

  /** Messages, framed as they will be sent to sockets. */
  messages(frames: readonly SharedBatch[], frame_bytes: number): Uint8Array {
    const bytes = this.#head(KIND.MESSAGES, frame_bytes)
    let at = HEADER_BYTES
    for (const batch of frames) {
      bytes.set(batch.frames, at)
      at += batch.frame_bytes
    }
    return bytes
  }

  /** That this server is there, with so many sockets; with `asks`, that the others should say so, too. */
  present(sockets: number, asks: boolean): Uint8Array {
    const bytes = this.#head(KIND.PRESENT, COUNT_BYTES + 1)
    bytes.writeUInt32BE(sockets, HEADER_BYTES)
    bytes.writeUInt8(asks ? ASKS : 0, HEADER_BYTES + COUNT_BYTES)
    return bytes
  }

  /** That this server has left. */
  left(): Uint8Array {
    return this.#head(KIND.LEFT, 0)
  }

  /** Reads what came: `'own'` for what this server said itself, `undefined` for what no server of this version says. */
  read(bytes: Uint8Array): Envelope | 'own' | undefined {
    const codec = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    if (codec.length < HEADER_BYTES || codec[0] !== VERSION) return undefined
    if (this.#node_bytes.compare(codec, 2, HEADER_BYTES) === 0) return 'own'
    const node_bytes = codec.subarray(2, HEADER_BYTES)
    switch (codec[1]) {
      case KIND.MESSAGES: {
        const received = received_messages(codec.subarray(HEADER_BYTES), isUtf8)
        return received && { kind: 'messages', ...received }
      }
      case KIND.PRESENT: {
        if (codec.length !== HEADER_BYTES + COUNT_BYTES + 1) return undefined
        return {
          kind: 'present',
          node: name_of(node_bytes),
          sockets: codec.readUInt32BE(HEADER_BYTES),
          asks: codec[HEADER_BYTES + COUNT_BYTES] === ASKS,
        }
      }
      case KIND.LEFT:
        return { kind: 'left', node: name_of(node_bytes) }
      default:
        return undefined
    }
  }

  #head(kind: number, body_bytes: number): Buffer {
    const bytes = Buffer.allocUnsafe(HEADER_BYTES + body_bytes)
    bytes[0] = VERSION
    bytes[1] = kind
    this.#node_bytes.copy(bytes, 2)
    return bytes
  }
}

/** A UUID as it is written. */
function name_of(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
