import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** The stream below a WebSocket, with byte counts like those of a `net.Socket`. */
export type ByteStream = Duplex & {
  /** The number of bytes received. */
  readonly bytesRead: number
  /** The number of bytes sent. */
  readonly bytesWritten: number
}

/**
 * Returns the same stream, after adding byte counts if it has none, such as a Duplex that was injected into
 * an http server.
 */
export function counting_bytes(stream: Duplex): ByteStream {
  return counts_bytes(stream) ? stream : count_bytes(stream)
}

function counts_bytes(stream: Duplex): stream is ByteStream {
  return 'bytesRead' in stream && 'bytesWritten' in stream
}

function count_bytes(stream: Duplex): ByteStream {
  let [read, written] = [0, 0]
  stream.on('data', (part: Buffer) => {
    read += part.length
  })
  const write = stream.write.bind(stream) as (...values: unknown[]) => boolean
  const counted = {
    write: (part: string | Uint8Array, ...more: unknown[]): boolean => {
      written += Buffer.byteLength(part)
      return write(part, ...more)
    },
  }
  Object.defineProperties(stream, {
    bytesRead: { get: () => read },
    bytesWritten: { get: () => written },
  })
  return Object.assign(stream, counted) as Duplex as ByteStream
}

/**
 * Limits a paused socket to reading one more chunk. By default, it would read up to its high-water mark, even
 * in chunks of one byte that take 200 bytes each. Other streams are not changed, since they may use the
 * high-water mark as the size of a read.
 */
export function read_little_ahead(stream: Duplex): void {
  const { _readableState: state } = stream as { _readableState?: { highWaterMark: number } }
  if (stream instanceof Socket && state !== undefined) state.highWaterMark = 1
}

/**
 * Removes the listener for `end` that Node adds to each socket. It does nothing on a socket that may be half
 * open, such as an http server's, but with it the event needs a list of listeners, which takes more memory.
 */
export function drop_idle_listener(stream: Duplex): void {
  if (!(stream instanceof Socket && stream.allowHalfOpen)) return
  for (const listener of stream.listeners('end'))
    if (listener.name === 'onReadableStreamEnd') stream.off('end', listener as () => void)
}
