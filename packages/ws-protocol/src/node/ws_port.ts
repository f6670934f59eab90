import { isAscii } from 'node:buffer'
import { randomFillSync } from 'node:crypto'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { ABNORMAL_CLOSURE } from '../close_code.js'
import { NetError } from '../errors.js'
import { mask_frames, OPCODE, read_frames } from '../frame.js'
import type { FrameBatch } from '../frame_queue.js'
import type { SocketPort, SocketSink } from '../socket_port.js'
import { broken_rule } from './broken_rule.js'
import type { ByteStream } from './byte_stream.js'
import type { DirectWebSocket, WsListener } from './direct_web_socket.js'
import { PingAnswers } from './ping_answers.js'
import { compression_threshold, type WsOptions } from './ws_settings.js'

/** How the ports of one server, or of one client, are. */
export interface WsPortTraits {
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
export class WsPort implements SocketPort<FrameBatch>, WsListener {
  readonly #ws: DirectWebSocket
  readonly #stream: ByteStream
  readonly #traits: WsPortTraits
  readonly #sink: SocketSink
  #is_opened: boolean
  #is_compressed: boolean
  /** Writes that Node is to call back for, and has not. */
  #unfinished_writes = 0
  #written: ((error?: Error | null) => void) | undefined
  /** The batch that the network has not taken yet: while there is one, no other is written. */
  #under_way: FrameBatch | undefined
  /** How often the network took what had waited since somebody looked: then the peer has made room. */
  #drains = 0
  #was_waiting = false
  #is_end_watched = false
  #is_closing = false
  #is_close_sent = false
  /** When the ping was sent whose answer is waited for. */
  #pinged_ms: number | undefined
  #ping_answers: PingAnswers | undefined
  #last_error: Error | undefined

  /** `ws`: opening or open. `stream`: the socket below it, that `ws` was handed, or was made to open. */
  constructor(ws: DirectWebSocket, stream: ByteStream, traits: WsPortTraits, sink: SocketSink) {
    this.#ws = ws
    this.#stream = stream
    this.#traits = traits
    this.#sink = sink
    this.#is_opened = ws.readyState === ws.OPEN
    this.#is_compressed = ws.extensions !== ''
    ws.listener = this
  }

  get is_writable(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  get takes_batch(): boolean {
    return this.#under_way === undefined && this.is_writable
  }

  get is_close_sent(): boolean {
    return this.#is_close_sent
  }

  get unsent(): number {
    return this.#under_way?.messages ?? 0
  }

  get buffered_bytes(): number {
    return this.#ws.bufferedAmount
  }

  write(batch: FrameBatch): void {
    const is_taken = this.#is_compressed ? this.#send_through_ws(batch) : this.#write_frames(batch.frames)
    if (is_taken) this.#release(batch)
    else {
      this.#under_way = batch
      this.#watch_end()
      // Of what is taken at once, nobody has to be told.
      if (!this.#is_compressed) this.#ask_when_written()
    }
  }

  close(code: number, reason: string): void {
    this.#is_closing = true
    this.#ws.close(code, reason)
    // The peer's Close has to be read, whatever reading was paused for.
    this.#ws.resume()
  }

  terminate(): void {
    this.#ws.terminate()
    // While it opens, `ws` only does this at the end of the turn, and Node would connect first.
    this.#stream.destroy()
  }

  signs_of_life(): number {
    // What is under way for a moment says nothing: over TLS, every write is.
    if (this.#under_way !== undefined) this.#was_waiting = true
    return this.#stream.bytesRead + this.#drains
  }

  ping(): void {
    // Behind what the network does not take a ping would only wait, too.
    if (!this.is_writable || this.#under_way !== undefined) return
    this.#ws.ping()
    this.#pinged_ms ??= performance.now()
  }

  pause(): void {
    this.#ws.pause()
  }

  resume(): void {
    this.#ws.resume()
  }

  // What `ws` tells: WsListener.

  ws_opened(): void {
    this.#is_opened = true
    this.#is_compressed = this.#ws.extensions !== ''
    this.#sink.socket_opened()
  }

  ws_message(bytes: Buffer, is_binary: boolean): void {
    // `binaryType` stays `nodebuffer`, so that every message is one Buffer.
    this.#sink.socket_message(is_binary ? own_bytes(bytes) : text_of(bytes), bytes.length)
  }

  ws_closing(): void {
    const is_answer = !this.#is_closing
    this.#is_closing = true
    this.#note_when_close_sent()
    if (is_answer) this.#sink.socket_ending()
  }

  ws_pinged(payload: Buffer): void {
    this.#ping_answers ??= new PingAnswers(this.#ws)
    this.#ping_answers.answer(payload)
    // An answer that the network does not take keeps the end back, too.
    if (this.#ws.bufferedAmount > 0) this.#watch_end()
  }

  ws_ponged(): void {
    if (this.#pinged_ms !== undefined) this.#traits.round_trip?.(performance.now() - this.#pinged_ms)
    this.#pinged_ms = undefined
  }

  ws_failed(error: Error): void {
    const broken = broken_rule(error, this.#traits.options)
    if (broken === undefined) this.#last_error ??= error
    else this.#sink.socket_failed(broken.error, broken.close_code)
  }

  ws_closed(code: number, reason: Buffer): void {
    this.#sink.socket_closed(code, reason.toString(), this.#why_ended(code))
  }

  #ask_when_written(): void {
    this.#unfinished_writes += 1
    this.#stream.write(NOTHING, this.#on_written)
  }

  /** Returns whether the kernel took it at once. */
  #write_frames(frames: Uint8Array): boolean {
    if (this.#traits.side === 'client') mask_frames(frames, next_mask_key)
    // A write that fails at once leaves nothing behind either, and returns false.
    return this.#stream.write(frames) && this.#stream.writableLength === 0
  }

  /** A Close goes behind what `ws` still compresses: then this has to be asked again when that is written. */
  #note_when_close_sent(): void {
    if (!this.#stream.writable) return
    this.#stream.write(NOTHING, error => {
      this.#is_close_sent = !error && this.#under_way === undefined && !this.#stream.destroyed
    })
  }

  /** While nothing is under way, the end comes by itself when the peer ends its side. */
  #watch_end(): void {
    if (this.#is_end_watched) return
    this.#is_end_watched = true
    this.#stream.on('end', () => this.#sink.socket_ending())
  }

  /**
   * Compression is done by `ws`, and takes its time: whatever is sent meanwhile has to queue up behind it there. Returns whether the kernel took
   * all of it at once.
   */
  #send_through_ws(batch: FrameBatch): boolean {
    const threshold_bytes = compression_threshold(this.#traits.options.compression)
    this.#unfinished_writes += 1
    let left = batch.messages
    for (const { opcode, payload } of read_frames(batch.frames)) {
      left -= 1
      const options = { binary: opcode === OPCODE.BINARY, compress: payload.length >= threshold_bytes }
      this.#ws.send(payload, options, left === 0 ? this.#on_written : undefined)
    }
    return this.#ws.bufferedAmount === 0 && this.#stream.writable
  }

  /** A socket of `node:net` is done with what it has called back for; another stream may have passed it on, and then it must not be overwritten. */
  #release(batch: FrameBatch): void {
    if (this.#stream instanceof Socket) batch.release()
  }

  get #on_written(): (error?: Error | null) => void {
    this.#written ??= error => {
      // What was pending when a socket was destroyed is called back without an error, too: those messages stay unsent.
      if (error || this.#stream.destroyed) return
      this.#unfinished_writes -= 1
      if (this.#unfinished_writes > 0 || this.#under_way === undefined) return
      this.#release(this.#under_way)
      this.#under_way = undefined
      if (this.#was_waiting) this.#drains += 1
      this.#was_waiting = false
      if (this.#is_closing) this.#note_when_close_sent()
      this.#sink.socket_drained()
    }
    return this.#written
  }

  #why_ended(code: number): NetError | undefined {
    const error = this.#last_error ?? this.#stream.errored ?? undefined
    if (code !== ABNORMAL_CLOSURE || error === undefined) return undefined
    const explain = this.#is_opened ? undefined : this.#traits.explain_failed_opening
    return (explain ?? connection_lost)(error)
  }
}

function connection_lost(error: Error): NetError {
  return new NetError('connection_lost', error.message, { cause: error })
}

/** To be told when all before it is written. */
const NOTHING = new Uint8Array(0)

/** From this size on, text is looked at for letters beyond ASCII, since without any it is made faster. */
const LARGE_TEXT_BYTES = 512

/** `ws` has checked that it is UTF-8. */
function text_of(bytes: Buffer): string {
  return bytes.length >= LARGE_TEXT_BYTES && isAscii(bytes) ? bytes.toString('latin1') : bytes.toString()
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
