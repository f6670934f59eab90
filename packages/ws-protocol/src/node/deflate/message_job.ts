import type { ZlibEvents, ZlibStream } from './zlib_stream.js'
import { short_turns, type ThreadJob, thread_turns } from './zlib_turns.js'

/** The size of the chunks that a zlib stream outputs. */
export const CHUNK_BYTES = 65_536

/** A larger payload waits in the queue for large ones. */
const LARGE_BYTES = 65_536

/** Compresses or decompresses one message: at once on this thread if it is short, otherwise on another. */
export abstract class MessageJob<Result> implements ThreadJob {
  /** The input. Released at the end. */
  protected payload: Uint8Array
  readonly is_large: boolean
  #finished: ((result: Result) => void) | undefined
  #stream: ZlibStream | undefined

  constructor(payload: Uint8Array, finished: (result: Result) => void) {
    this.payload = payload
    this.is_large = payload.length > LARGE_BYTES
    this.#finished = finished
  }

  /** Returns the bytes of memory that this job holds, including zlib's own as estimated by its manual. */
  get held_bytes(): number {
    const stream_bytes = this.#stream === undefined ? 0 : this.stream_bytes
    return this.input_bytes + this.output_bytes + stream_bytes
  }

  /** Waits for a turn. */
  begin(): void {
    if (this.is_short) short_turns.add(this)
    else thread_turns.add(this)
  }

  /** Does the work on this thread; if it proves too long, passes it to another thread. */
  run(): void {
    const result = this.work_now()
    if (result === undefined) thread_turns.add(this)
    else this.finish(result)
  }

  /** Starts the work on another thread. */
  abstract start(): void

  /** Releases everything, without a result. */
  end(): void {
    this.#finished = undefined
    this.#stream?.destroy()
    this.#stream = undefined
    this.payload = NOTHING
    short_turns.remove(this)
    thread_turns.remove(this)
  }

  protected get input_bytes(): number {
    return this.payload.length
  }

  protected abstract readonly is_short: boolean
  /** The output so far. */
  protected abstract readonly output_bytes: number
  /** The memory of the stream that works for this job. */
  protected abstract readonly stream_bytes: number
  /** Returns the result, or `undefined` if the message takes too long for this thread. */
  protected abstract work_now(): Result | undefined

  /** Writes the input to a stream, which is destroyed if this job ends before it releases the stream. */
  protected use(stream: ZlibStream, input: Uint8Array, events: ZlibEvents): void {
    this.#stream = stream
    stream.write(input, events)
  }

  /** Releases the stream, which has finished its work. */
  protected release_stream(): void {
    this.#stream = undefined
  }

  /** Ends this job, and then reports its result, so that the next job of its connection may begin at once. */
  protected finish(result: Result): void {
    const finished = this.#finished
    this.end()
    finished?.(result)
  }
}

/** Returns the first `size` bytes of the joined parts, in a buffer of exactly that size. */
export function joined(parts: readonly Uint8Array[], size: number): Buffer {
  const [first] = parts
  if (first instanceof Buffer && first.length === size && first.buffer.byteLength === size) return first
  const whole = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const part of parts) {
    const fitting = part.subarray(0, size - at)
    whole.set(fitting, at)
    at += fitting.length
  }
  return whole
}

const NOTHING = new Uint8Array(0)
