import { inflateRawSync, constants as zlib } from 'node:zlib'
import { read_frame } from '../wire/frame.js'
import { message_bytes, payload_of, type Shape } from '../wire/message.js'
import { type ClientSocket, close_socket, open_sockets, type Target } from './client_socket.js'

/** The result of a load. */
export interface LoadResult {
  /** How many messages were sent and answered. */
  readonly messages: number
  readonly elapsed_ms: number
}

const WRONG_ANSWER = 'the answer is not the message that was sent'

/** The open connections of a measure. */
export class ClientGroup {
  readonly target: Target
  readonly sockets: ClientSocket[] = []

  constructor(target: Target) {
    this.target = target
  }

  /** Opens connections until there are `count`. */
  async grow_to(count: number): Promise<void> {
    this.sockets.push(...(await open_sockets(this.target, count - this.sockets.length)))
  }

  /** Returns the bytes of a message. */
  request(shape: Shape): Buffer {
    return message_bytes(shape, this.target.dialect, 'client')
  }

  /**
   * Sends one message on each socket, checks that it is echoed unchanged, and resolves with the size of an
   * answer. After that, counting bytes is enough, because the answers to the same message are the same.
   */
  async try_echo(shape: Shape): Promise<number> {
    const request = this.request(shape)
    const expected = message_bytes(shape, this.target.dialect, 'server')
    const sizes = await Promise.all(
      this.sockets.map(async socket => {
        const answer = first_answer(socket, shape, expected)
        socket.tcp.write(request)
        return answer
      }),
    )
    return sizes[0] as number
  }

  /** Makes the server send a burst to all sockets, and checks that each socket receives it. */
  async try_fan_out(
    { shape, burst }: { readonly shape: Shape; readonly burst: number },
    trigger: { pull(): void },
  ): Promise<void> {
    const message = message_bytes(shape, this.target.dialect, 'server')
    const expected = Buffer.concat(Array.from({ length: burst }, () => message))
    const received = this.sockets.map(socket => first_answer(socket, shape, expected))
    trigger.pull()
    await Promise.all(received)
  }

  /** Destroys all connections at once, because the server has ended or is about to. */
  drop(): void {
    for (const { tcp } of this.sockets.splice(0)) tcp.destroy()
  }

  /** Closes all connections with a closing handshake. */
  async close(): Promise<void> {
    await Promise.all(this.sockets.splice(0).map(close_socket))
  }
}

/** Checks the first answer on a socket, and resolves with its size. */
function first_answer(socket: ClientSocket, shape: Shape, expected: Buffer): Promise<number> {
  const length_of = shape.is_compressed
    ? (received: Buffer) => compressed_length(received, shape)
    : (received: Buffer) => plain_length(received, expected)
  let received = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    socket.on_bytes = bytes => {
      received = Buffer.concat([received, bytes])
      try {
        const length = length_of(received)
        if (length !== undefined) resolve(length)
      } catch (error) {
        reject(error)
      }
    }
    void socket.closed.then(() => reject(new Error('the connection was closed while an answer was due')))
  })
}

/**
 * Returns the size of an answer; `undefined` while it is incomplete. Throws if it is not the expected one.
 */
function plain_length(received: Buffer, expected: Buffer): number | undefined {
  if (received.length < expected.length) return undefined
  if (!received.equals(expected)) throw new Error(WRONG_ANSWER)
  return expected.length
}

/** Returns the size of a compressed answer, which depends on the server's compressor. */
function compressed_length(received: Buffer, shape: Shape): number | undefined {
  const frame = read_frame(received)
  if (frame === undefined) return undefined
  if (!frame.is_compressed) throw new Error('the answer is not compressed')
  const text = inflateRawSync(frame.payload, { finishFlush: zlib.Z_SYNC_FLUSH })
  if (!text.equals(payload_of(shape))) throw new Error(WRONG_ANSWER)
  return frame.bytes
}
