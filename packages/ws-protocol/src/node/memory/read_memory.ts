import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { mask } from '../../frames/mask.js'
import { masked_memory } from './mask_program.js'

/** The most that a socket reads at once, which is Node's default. */
const READ_BYTES = 65_536

const masked = masked_memory()

/**
 * The memory that all sockets read into, one after another. It stays in the processor's caches, and a read
 * creates no garbage.
 */
export const read_memory: Buffer = masked?.memory ?? Buffer.allocUnsafeSlow(READ_BYTES)

const { buffer_key, callback_key } = find_keys()

/**
 * Finds the properties of a `net.Socket` that its constructor sets for the option `onread`. Node creates the
 * sockets of an http server itself, so the option can only be set afterwards.
 */
function find_keys(): { buffer_key: PropertyKey | undefined; callback_key: PropertyKey | undefined } {
  const onread: OnReadOpts = { buffer: read_memory, callback: () => true }
  const options: SocketConstructorOpts & { onread: OnReadOpts } = { onread }
  const socket = new Socket(options)
  const key_of = (value: unknown): PropertyKey | undefined =>
    Reflect.ownKeys(socket).find(key => Reflect.get(socket, key) === value)
  return { buffer_key: key_of(onread.buffer), callback_key: key_of(onread.callback) }
}

/**
 * Makes a socket read into {@link read_memory} and call `take` with the number of bytes, instead of emitting
 * `data`. When `take` returns, other sockets may overwrite them. Changes nothing if that is impossible: for a
 * socket with another reader, for TLS, which may read within a call of ours, for streams that are not
 * sockets, and if the internals of Node have changed.
 */
export function share_read_memory<Stream extends Duplex>(
  stream: Stream,
  take: (this: Stream, size_bytes: number) => true,
): void {
  if (!(stream instanceof Socket) || 'encrypted' in stream || stream.listenerCount('data') > 0) return
  const socket: Socket = stream
  const handle: { useUserBuffer?: (memory: Buffer) => void } | null = Reflect.get(socket, '_handle')
  if (buffer_key === undefined || callback_key === undefined || Reflect.get(socket, buffer_key)) return
  if (typeof handle?.useUserBuffer !== 'function') return
  Reflect.set(socket, buffer_key, read_memory)
  Reflect.set(socket, callback_key, take)
  handle.useUserBuffer(read_memory)
}

/** A plain `Uint8Array`, whose `slice` copies, which a Buffer's does not. */
const plain_memory = plain_view(read_memory)

let chunk: Buffer = read_memory

/** Returns the bytes that were just read, as a view of {@link read_memory}. */
export function read_chunk(size_bytes: number): Uint8Array {
  // Consecutive reads are often of one size, and creating a view takes as long as a short message.
  if (chunk.length !== size_bytes) chunk = read_memory.subarray(0, size_bytes)
  return chunk
}

/** Unmasks in place like {@link mask}, but ten times as fast in the latest {@link read_chunk}. */
export function unmask(bytes: Uint8Array, start: number, end: number, key: number): number {
  // Comparing `bytes.buffer` would be slower, since V8 does not inline it.
  if (masked === undefined || bytes !== chunk) return mask(bytes, start, end, key)
  const swapped = (key >>> 24) | ((key >>> 8) & 0xff00) | ((key & 0xff00) << 8) | (key << 24)
  return masked.mask(start, end, swapped)
}

/**
 * Returns a copy of the bytes from `start` to `end`, in a buffer of exactly that size. V8 keeps up to 64
 * bytes in its heap, which takes a tenth of the time.
 */
export function copy_of(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return (bytes === chunk ? plain_memory : plain_view(bytes)).slice(start, end)
}

function plain_view({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length)
}
