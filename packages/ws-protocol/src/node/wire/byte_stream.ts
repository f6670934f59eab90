import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** A stream below a WebSocket that counts its bytes, as sockets of `node:net` do. */
export type ByteStream = Duplex & {
  /** How many bytes were received. */
  readonly bytesRead: number
  /** How many bytes were sent. */
  readonly bytesWritten: number
}

/** Returns the stream itself. One that counts no bytes, such as a Duplex that was injected into an http server, counts them from now on. */
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
 * Has a socket that is paused read one chunk more at most. By itself, it would read up to its high-water mark, be it in chunks of one byte that take 200
 * each. Other streams may read as much at a time as this says, and are left as they are.
 */
export function read_little_ahead(stream: Duplex): void {
  const { _readableState: state } = stream as { _readableState?: { highWaterMark: number } }
  if (stream instanceof Socket && state !== undefined) state.highWaterMark = 1
}

/**
 * Removes a listener for `end` that Node adds to each socket: where a socket may be half open, as those of http servers may, it does nothing, and
 * makes the place of one listener a list of two.
 */
export function drop_idle_listener(stream: Duplex): void {
  if (!(stream instanceof Socket && stream.allowHalfOpen)) return
  for (const listener of stream.listeners('end'))
    if (listener.name === 'onReadableStreamEnd') stream.off('end', listener as () => void)
}
