import { inflateRawSync, constants as zlib } from 'node:zlib'
import { read_frame } from '../wire/frame.js'
import { message_bytes, payload_of, type Shape } from '../wire/message.js'
import { type ClientSocket, close_socket, open_sockets, type Target } from './client_socket.js'

/** What came of a load. */
export interface LoadResult {
  /** How many messages were answered: all that were sent. */
  readonly messages: number
  readonly elapsed_ms: number
}

const UNLIKE = 'the answer is not the message that was sent'

/** The connections that are open for a measure, and what was found out about their server. */
export class ClientGroup {
  readonly target: Target
  readonly sockets: ClientSocket[] = []

  constructor(target: Target) {
    this.target = target
  }

  /** Opens as many as are lacking. */
  async grow_to(count: number): Promise<void> {
    this.sockets.push(...(await open_sockets(this.target, count - this.sockets.length)))
  }

  /** A message as it is sent. */
  request(shape: Shape): Buffer {
    return message_bytes(shape, this.target.dialect, 'client')
  }

  /**
   * Has one message echoed by each socket, checks that it comes back as it was sent, and returns how many bytes an answer takes.
   * From then on bytes are counted, and that is enough: the answers to the same message are the same.
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

  /** Has a server send to all as many messages as it sends in one turn, and checks that each socket gets these. */
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

  /** Lets go of all at once, whose server is gone or about to go. */
  drop(): void {
    for (const { tcp } of this.sockets.splice(0)) tcp.destroy()
  }

  /** Closes all in order. */
  async close(): Promise<void> {
    await Promise.all(this.sockets.splice(0).map(close_socket))
  }
}

/** Settles with how many bytes the first answer has, once it was looked at. */
function first_answer(socket: ClientSocket, shape: Shape, expected: Buffer): Promise<number> {
  const length_of = shape.is_compressed
    ? (said: Buffer) => compressed_length(said, shape)
    : (said: Buffer) => plain_length(said, expected)
  let said = Buffer.alloc(0)
  return new Promise((resolve, reject) => {
    socket.on_bytes = bytes => {
      said = Buffer.concat([said, bytes])
      try {
        const length = length_of(said)
        if (length !== undefined) resolve(length)
      } catch (error) {
        reject(error)
      }
    }
    void socket.closed.then(() => reject(new Error('the connection was closed while an answer was due')))
  })
}

/** How many bytes an answer takes; `undefined` while it is not all there. Throws what is not what was expected. */
function plain_length(said: Buffer, expected: Buffer): number | undefined {
  if (said.length < expected.length) return undefined
  if (!said.equals(expected)) throw new Error(UNLIKE)
  return expected.length
}

/** The same of an answer that its server has compressed in its own way. */
function compressed_length(said: Buffer, shape: Shape): number | undefined {
  const frame = read_frame(said)
  if (frame === undefined) return undefined
  if (!frame.is_compressed) throw new Error('the answer is not compressed')
  const text = inflateRawSync(frame.payload, { finishFlush: zlib.Z_SYNC_FLUSH })
  if (!text.equals(payload_of(shape))) throw new Error(UNLIKE)
  return frame.bytes
}
