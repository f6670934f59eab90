import { randomFillSync } from 'node:crypto'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { RawData, WebSocket } from 'ws'
import { ABNORMAL_CLOSURE } from '../close_code.js'
import { NetError } from '../errors.js'
import { mask_frames, OPCODE, read_frames } from '../frame.js'
import type { FrameBatch } from '../frame_queue.js'
import type { SocketPort, SocketSink } from '../socket_port.js'
import { answer_pings } from './answer_pings.js'
import { broken_rule } from './broken_rule.js'
import { frame_memory } from './frame_memory.js'
import { compression_threshold, type WsOptions } from './ws_settings.js'

/** What a {@link WsPort} drives. */
export interface WsPortSettings {
  /** The WebSocket, opening or open. */
  readonly ws: WebSocket
  /** The TCP or Unix socket below it: what `ws` was handed, or was made to open. */
  readonly stream: Socket
  /** A client's frames are masked (RFC 6455 §5.1). */
  readonly side: 'client' | 'server'
  /** What `ws` was told. */
  readonly options: WsOptions
  /** Puts into words why a `ws` that still opens did not; left out for one that is open. */
  readonly explain_failed_opening?: (error: Error) => NetError
  /** Is told how long the answer to each ping took, in milliseconds. */
  readonly round_trip?: (ms: number) => void
}

/**
 * A {@link SocketPort} over `ws`, which receives and closes. On a connection without compression, this port writes ready
 * frames itself, a whole batch in one write to the socket below; with compression, every message goes through `ws`.
 */
export class WsPort implements SocketPort<FrameBatch> {
  readonly #ws: WebSocket
  readonly #stream: Socket
  readonly #sink: SocketSink
  readonly #is_client: boolean
  readonly #options: WsOptions
  readonly #threshold_bytes: number
  /** Writes that Node has not called back for. */
  #unfinished_writes = 0
  /** Messages of the batch that the network has not taken yet: while there is one, no other is written. */
  #unsent = 0
  /** How often the network took what had waited since somebody looked: then the peer has made room. */
  #drains = 0
  #was_waiting = false
  readonly #round_trip: ((ms: number) => void) | undefined
  #is_pinged = false
  #last_error: Error | undefined
  /** Puts an error of `ws` or of the socket into words: it failed to open, or it was lost. */
  #explain: (error: Error) => NetError

  constructor(settings: WsPortSettings, sink: SocketSink) {
    const { ws, stream, options } = settings
    this.#ws = ws
    this.#stream = stream
    this.#sink = sink
    this.#is_client = settings.side === 'client'
    this.#options = options
    this.#explain = settings.explain_failed_opening ?? connection_lost
    this.#round_trip = settings.round_trip
    this.#threshold_bytes = compression_threshold(options.compression)
    ws.on('open', () => {
      this.#explain = connection_lost
      sink.socket_opened()
    })
    ws.on('message', (data, is_binary) => this.#received(data, is_binary))
    answer_pings(ws)
    ws.on('error', error => this.#failed(error))
    ws.on('close', (code, reason) => sink.socket_closed(code, reason.toString(), this.#why_ended(code)))
    stream.on('end', () => sink.socket_ending())
    stream.on('error', error => {
      this.#last_error ??= error
    })
  }

  get is_writable(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  get takes_batch(): boolean {
    return this.#unsent === 0 && this.is_writable
  }

  get unsent(): number {
    return this.#unsent
  }

  get buffered_bytes(): number {
    return this.#ws.bufferedAmount
  }

  write(batch: FrameBatch): void {
    this.#unfinished_writes += 1
    if (this.#ws.extensions === '') this.#write_frames(batch.frames)
    else this.#send_through_ws(batch)
    // A write that the kernel takes at once leaves nothing behind; nor does one that fails at once.
    const is_taken = this.#ws.bufferedAmount === 0 && this.#stream.errored === null && !this.#stream.destroyed
    if (is_taken) frame_memory.release(batch.memory)
    else this.#unsent = batch.messages
  }

  close(code: number, reason: string): void {
    this.#ws.close(code, reason)
    // The peer's Close has to be read, whatever reading was paused for.
    this.#ws.resume()
  }

  terminate(): void {
    this.#ws.terminate()
  }

  signs_of_life(): number {
    // What is under way for a moment says nothing: over TLS, every write is.
    if (this.#unsent > 0) this.#was_waiting = true
    return this.#stream.bytesRead + this.#drains
  }

  ping(): void {
    // Behind what the network does not take a ping would only wait, too.
    if (!this.is_writable || this.#unsent > 0) return
    this.#ws.ping()
    if (this.#round_trip === undefined || this.#is_pinged) return
    this.#is_pinged = true
    const pinged_ms = performance.now()
    this.#ws.once('pong', () => {
      this.#is_pinged = false
      this.#round_trip?.(performance.now() - pinged_ms)
    })
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  #write_frames(frames: Uint8Array): void {
    if (this.#is_client) mask_frames(frames, next_mask_key)
    this.#stream.write(frames, this.#written)
  }

  /** Compression is done by `ws`, and takes its time: whatever is sent meanwhile has to queue up behind it there. */
  #send_through_ws(batch: FrameBatch): void {
    let left = batch.messages
    for (const { opcode, payload } of read_frames(batch.frames)) {
      left -= 1
      const options = { binary: opcode === OPCODE.BINARY, compress: payload.length >= this.#threshold_bytes }
      this.#ws.send(payload, options, left === 0 ? this.#written : undefined)
    }
  }

  readonly #written = (error?: Error | null): void => {
    // What was pending when a socket was destroyed is called back without an error, too: those messages stay unsent.
    if (error || this.#stream.destroyed) return
    this.#unfinished_writes -= 1
    if (this.#unfinished_writes > 0 || this.#unsent === 0) return
    this.#unsent = 0
    if (this.#was_waiting) this.#drains += 1
    this.#was_waiting = false
    this.#sink.socket_drained()
  }

  #received(data: RawData, is_binary: boolean): void {
    // `binaryType` stays `nodebuffer`, so that every message is one Buffer.
    const bytes = data as Buffer
    if (is_binary) this.#sink.socket_message(own_bytes(bytes), bytes.length)
    else this.#sink.socket_message(bytes.toString(), bytes.length)
  }

  #failed(error: Error): void {
    const broken = broken_rule(error, this.#options)
    if (broken === undefined) this.#last_error ??= error
    else this.#sink.socket_failed(broken.error, broken.close_code)
  }

  #why_ended(code: number): NetError | undefined {
    if (code !== ABNORMAL_CLOSURE || this.#last_error === undefined) return undefined
    return this.#explain(this.#last_error)
  }
}

function connection_lost(error: Error): NetError {
  return new NetError('connection_lost', error.message, { cause: error })
}

/** A `Uint8Array` that keeps no larger buffer alive: `ws` hands out views of what it read from the socket. */
function own_bytes(bytes: Buffer): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? new Uint8Array(bytes.buffer) : Uint8Array.from(bytes)
}

const KEY_BYTES = 4
const key_pool = Buffer.allocUnsafeSlow(8_192)
let next_key_at = key_pool.length

/** RFC 6455 §10.3: a key that nobody can predict. */
function next_mask_key(): number {
  if (next_key_at === key_pool.length) {
    randomFillSync(key_pool)
    next_key_at = 0
  }
  const key = key_pool.readUInt32BE(next_key_at)
  next_key_at += KEY_BYTES
  return key
}
