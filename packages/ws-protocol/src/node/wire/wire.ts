import { randomFillSync } from 'node:crypto'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Runnable, SocketEvents, SocketPort } from '../../connection/socket_port.js'
import { NetError } from '../../errors/errors.js'
import { type BrokenRule, describe_broken_rule } from '../../frames/broken_rule.js'
import { ABNORMAL_CLOSURE, NO_CODE } from '../../frames/close_code.js'
import type { DecoderEvents, FrameDecoder } from '../../frames/decoder.js'
import { type FrameView, make_frame, mask_frames, OPCODE, read_frames } from '../../frames/frame.js'
import type { FrameBatch } from '../../queues/batch.js'
import { MessageDeflate } from '../deflate/deflate.js'
import type { DeflateParameters } from '../deflate/deflate_agreement.js'
import { decoder_memory } from '../memory/decoder_memory.js'
import { DecoderPool } from '../memory/decoder_pool.js'
import { memory_of } from '../memory/message_memory.js'
import { read_chunk, share_read_memory } from '../memory/read_memory.js'
import { type ByteStream, drop_idle_listener, read_little_ahead } from './byte_stream.js'
import { may_go_on, STEPS_PER_CHECK, type TurnTaker } from './turn_share.js'
import { compression_level, compression_threshold, type WireOptions } from './wire_options.js'

/** A connection or client that shares a budget for what has come in. */
export interface InboxHolder {
  /** Bytes of memory that it holds of what has come in, as last reported to the budget. */
  readonly held_bytes: number
  /** How many of them shedding would free; callbacks have the rest. */
  readonly sheddable_bytes: number
  /** Reports to the budget what it holds now: not every change is visible at once. */
  account(): void
  /** Closes with `code`, lets go of what it holds, and reports `error`; `false` if it was about to end already. */
  shed(error: NetError, code: number): boolean
}

/** Bounds what the connections of a server hold together of what has come in. */
export interface InboxBudget {
  /** How many bytes of messages that wait or are being handled one connection may hold at the moment before its socket is paused. */
  readonly most_waiting_bytes: number
  /** Reports that a holder's {@link InboxHolder.held_bytes} has changed by this many bytes. */
  changed(holder: InboxHolder, by_bytes: number): void
}

/** What is the same for all wires of one server, or of one client. */
export interface WireTraits {
  /** A client's frames are masked (RFC 6455 §5.1). */
  readonly side: 'client' | 'server'
  /** The options of the same names. */
  readonly options: WireOptions
  /** Left out by clients, which have one connection each. */
  readonly inbox_budget?: InboxBudget
  /** Is told how long the answer to each ping took, in milliseconds. */
  readonly round_trip?: (ms: number) => void
}

/** Why a wire reads nothing just now; as bits, since there may be several reasons. */
const HOLD = { PAUSED: 1, TURN_IS_OVER: 2, INFLATING: 4, CROWDED: 8, FINISHED: 16, OPENING: 32 } as const
type Hold = (typeof HOLD)[keyof typeof HOLD]

/** How many bytes take about as long to read as a small message. */
const BYTES_PER_STEP = 2_048

/** More pings and pongs than this within a second are a flood. */
const MOST_CONTROL_FRAMES = 1_024
const CONTROL_FRAMES_MS = 1_000
/** So many answers to pings may wait for the network; of those that come beyond, only the latest does (RFC 6455 §5.5.3). */
const MOST_PONGS = 64

/** What is known of the Closes of a connection. */
interface Closing {
  /** The peer's. */
  peer_close?: { readonly code: number; readonly reason: string }
  /** Whether the network has this side's. */
  is_close_sent: boolean
}

/** To be told when all before it is written. */
const NOTHING = new Uint8Array(0)

/** The decoders of connections with the same traits: without compression, and with it. */
const decoder_pools = new WeakMap<WireTraits, readonly [plain: DecoderPool, compressed: DecoderPool]>()

function decoder_pool(traits: WireTraits, is_compressed: boolean): DecoderPool {
  let pools = decoder_pools.get(traits)
  if (pools === undefined) {
    const { side, options } = traits
    const pool = (is_compressed: boolean): DecoderPool =>
      new DecoderPool({
        from: side === 'client' ? 'server' : 'client',
        max_payload: options.max_payload,
        max_fragments: options.max_fragments,
        is_compressed,
      })
    pools = [pool(false), pool(true)]
    decoder_pools.set(traits, pools)
  }
  return pools[is_compressed ? 1 : 0]
}

const WIRE = Symbol('wire')
type WiredStream = ByteStream & { [WIRE]?: Wire }

/**
 * A {@link SocketPort} over a stream of bytes: frames, Close, ping and pong in both directions (RFC 6455 §5 to §7). The stream is given to it when
 * the handshake is done; a whole batch of frames goes out in one write.
 */
export class Wire implements SocketPort, DecoderEvents, InboxHolder, TurnTaker {
  readonly #traits: WireTraits
  readonly #abort: (() => void) | undefined
  #sink!: SocketEvents
  #stream!: ByteStream
  #decoders!: DecoderPool
  /** There is one while it is at work, in the middle of a message, stopped, or over. */
  #decoder: FrameDecoder | undefined
  #deflate: MessageDeflate | undefined
  #is_writable = false
  // Reading.
  #holds = 0
  #late_chunks: Uint8Array[] | undefined
  /** The peer has ended its side, and what came before that is not all decoded. */
  #is_end_due = false
  #is_gone = false
  #steps = 0
  #waiting_inbox: Runnable | undefined
  /** Bytes of memory of the message whose callback has returned a promise. */
  #running_bytes = 0
  #held_bytes = 0
  #is_shed = false
  #control_frames = 0
  #control_frames_since_ms = 0
  #pongs: Uint8Array[] | undefined
  #is_pong_under_way = false
  // Writing.
  /** The batch that the network has not taken yet: while there is one, no other is written. */
  #under_way: FrameBatch | undefined
  /** How often the network took a batch that was pending at the last check, which shows that the peer has made room. */
  #drains = 0
  #was_waiting = false
  /** What is put off until all before it is compressed; there is a list while that goes on. */
  #after_deflating: (() => void)[] | undefined
  /** When the ping was sent whose answer is waited for. */
  #pinged_ms: number | undefined
  // Closing.
  /** There is one from the first Close on, in either direction. */
  #closing: Closing | undefined
  #is_broken = false
  #error: Error | undefined

  /** `abort`: ends the handshake; left out if that is done. */
  constructor(traits: WireTraits, abort?: () => void) {
    this.#traits = traits
    this.#abort = abort
  }

  /**
   * The handshake is done: reads and writes `stream` from now on, and tells `sink`. `head`: what has come behind the handshake. `deflate`: what was
   * agreed on, if messages may be compressed.
   */
  open(sink: SocketEvents, stream: ByteStream, head: Uint8Array, deflate?: DeflateParameters): void {
    const { options } = this.#traits
    this.#sink = sink
    this.#stream = stream
    if (deflate !== undefined)
      this.#deflate = new MessageDeflate(deflate, {
        level: compression_level(options.compression),
        max_payload: options.max_payload,
      })
    this.#is_writable = true
    this.#decoders = decoder_pool(this.#traits, deflate !== undefined)
    if (stream instanceof Socket) stream.setTimeout(0).setNoDelay()
    read_little_ahead(stream)
    drop_idle_listener(stream)
    // Not given back to the stream: one that has failed would drop it, and one that shares memory is read past what it buffers.
    const unread = stream.read() as Uint8Array | null
    for (const chunk of [head, unread]) if (chunk !== null && chunk.length > 0) this.#keep_chunk(chunk)
    const wired: WiredStream = stream
    wired[WIRE] = this
    share_read_memory(wired, on_read)
    stream.on('data', on_data)
    stream.on('end', on_end)
    stream.on('error', on_error)
    stream.on('close', on_close)
    if (this.#late_chunks === undefined) return
    this.#hold(HOLD.OPENING)
    this.#let_go_later(HOLD.OPENING)
  }

  // What a connection asks of its port: SocketPort.

  get is_writable(): boolean {
    return this.#is_writable
  }

  get takes_batch(): boolean {
    return this.#under_way === undefined && this.#is_writable
  }

  get is_close_sent(): boolean {
    return this.#closing?.is_close_sent ?? false
  }

  get unsent(): number {
    return this.#under_way?.messages ?? 0
  }

  get buffered_bytes(): number {
    return this.#stream?.writableLength ?? 0
  }

  write(batch: FrameBatch): void {
    if (this.#deflate !== undefined && this.#is_worth_deflating(batch)) {
      this.#under_way = batch
      this.#after_deflating = []
      this.#deflate_frames(this.#deflate, read_frames(batch.frames), [])
    } else if (this.#write_frames(batch.frames)) this.#release_batch(batch)
    else this.#under_way = batch
  }

  close(code: number, reason: string): void {
    if (this.#stream === undefined) this.#abort?.()
    else if (this.#closing === undefined) {
      const closing: Closing = { is_close_sent: false }
      this.#closing = closing
      this.#is_writable = false
      this.#when_deflated(() => {
        this.#write_close(closing, code, reason)
        if (this.#is_broken) this.#stream.end()
      })
      // The peer's Close has to be read, whatever reading was paused for.
      this.#let_go_later(HOLD.PAUSED)
      this.#let_go_later(HOLD.CROWDED)
    }
  }

  terminate(): void {
    if (this.#stream === undefined) this.#abort?.()
    else this.#stream.destroy()
  }

  signs_of_life(): number {
    // Who is not read can give none.
    if ((this.#holds & HOLD.CROWDED) !== 0) this.#drains += 1
    // What is under way for a moment says nothing: over TLS, every write is.
    if (this.#under_way !== undefined) this.#was_waiting = true
    return this.#stream.bytesRead + this.#drains
  }

  ping(): void {
    // Behind what the network does not take a ping would only wait, too.
    if (!this.takes_batch) return
    this.#stream.write(this.#control_frame(OPCODE.PING, NOTHING))
    this.#pinged_ms ??= performance.now()
  }

  pause(): void {
    this.#hold(HOLD.PAUSED)
  }

  resume(): void {
    this.#let_go_later(HOLD.PAUSED)
  }

  may_run(inbox: Runnable): boolean {
    // No callback is running.
    this.#running_bytes = 0
    if (this.#held_bytes > 0) this.account()
    this.#count_steps(1)
    if (this.#is_turn_over) this.#waiting_inbox = inbox
    return !this.#is_turn_over
  }

  /** Counts `data` until the promise that its callback returned settles. */
  lend(data: string | Uint8Array): void {
    this.#running_bytes = memory_of(data, Buffer.byteLength(data))
    this.account()
  }

  /** The stream below. */
  get stream(): ByteStream {
    return this.#stream
  }

  // What a budget asks: InboxHolder.

  get held_bytes(): number {
    return this.#held_bytes
  }

  get sheddable_bytes(): number {
    return this.#is_gone ? 0 : this.#held_bytes - this.#running_bytes
  }

  account(): void {
    const budget = this.#traits.inbox_budget
    if (budget === undefined) return
    const waiting_bytes = this.#sink.inbox_bytes + this.#running_bytes
    const held_bytes = waiting_bytes + this.#read_bytes
    const by_bytes = held_bytes - this.#held_bytes
    if (by_bytes !== 0) {
      this.#held_bytes = held_bytes
      budget.changed(this, by_bytes)
    }
    // While it is closing, it is read: otherwise the peer's Close would not be found.
    if (waiting_bytes > budget.most_waiting_bytes && this.#closing === undefined) this.#hold(HOLD.CROWDED)
    else if (waiting_bytes <= budget.most_waiting_bytes / 2) this.#let_go_later(HOLD.CROWDED)
  }

  shed(error: NetError, code: number): boolean {
    const is_shed = this.#sink.shed(error, code)
    if (is_shed) {
      this.#is_shed = true
      this.#sink.close()
      this.#lent_decoder.skip_messages()
      this.#deflate?.end_inflating()
      this.#let_go_later(HOLD.INFLATING)
      this.account()
    } else this.terminate()
    return is_shed
  }

  // What the decoder finds: DecoderEvents.

  on_message(data: string | Uint8Array, payload_bytes: number): void {
    // The same kind of bytes, in whatever pieces they came: `String` of a Buffer is its text, and of other bytes their numbers.
    const message = data instanceof Buffer ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data
    this.#sink.socket_message(message, payload_bytes, memory_of(message, payload_bytes))
    this.#count_steps(1)
  }

  on_compressed(payload: Uint8Array, is_text: boolean): void {
    this.#hold(HOLD.INFLATING)
    this.#deflate?.inflate(payload, result => {
      const broken = typeof result === 'string' ? result : this.#hand_on(result, is_text)
      if (broken !== undefined) {
        this.#lent_decoder.end()
        this.on_broken(broken)
      }
      this.#let_go(HOLD.INFLATING)
      this.account()
    })
  }

  on_ping(payload: Uint8Array): void {
    this.#count_control_frame()
    if (!this.#is_writable) return
    this.#pongs ??= []
    // A copy, since the payload is a view of what was read.
    const pong = this.#control_frame(OPCODE.PONG, payload)
    if (this.#pongs.length <= MOST_PONGS) this.#pongs.push(pong)
    else this.#pongs[MOST_PONGS] = pong
  }

  on_pong(): void {
    this.#count_control_frame()
    if (this.#pinged_ms !== undefined) this.#traits.round_trip?.(performance.now() - this.#pinged_ms)
    this.#pinged_ms = undefined
  }

  on_close(code: number, reason: string): void {
    const is_answer = this.#closing === undefined
    const closing = this.#closing ?? { is_close_sent: false }
    closing.peer_close = { code, reason }
    this.#closing = closing
    this.#write_pongs()
    this.#is_writable = false
    this.#when_deflated(() => {
      if (is_answer) this.#write_close(closing, code, reason)
      this.#stream.end()
    })
    if (is_answer) this.#sink.socket_ending()
  }

  on_broken(rule: BrokenRule): void {
    this.#write_pongs()
    this.#is_broken = true
    // What comes now is read and dropped, so that the end is an end and no reset.
    if (this.#closing !== undefined) this.#when_deflated(() => this.#stream.end())
    const { error, close_code } = describe_broken_rule(rule, this.#traits.options)
    this.#sink.socket_failed(error, close_code)
  }

  // What the stream tells.

  /** @internal */
  stream_read(chunk: Uint8Array): void {
    // A stream that is not of Node's own may hand on more after it was paused, and one of Node's is read again if it was paused in its `data` event.
    if (this.#holds !== 0) {
      this.#stream.pause()
      this.#keep_chunk(Buffer.from(chunk))
      this.account()
      return
    }
    this.#decode(chunk)
    if (this.#pongs !== undefined) this.#write_pongs()
    this.account()
  }

  /** @internal */
  stream_ended(): void {
    // TLS reports the end also while it is paused. The peer's Close may come before it, and messages that take their time.
    this.#is_end_due = this.#holds !== 0
    if (this.#is_end_due || this.#closing?.peer_close !== undefined) return
    this.#is_writable = false
    this.#stream.end()
    this.#sink.socket_ending()
  }

  /** @internal */
  stream_failed(error: Error): void {
    this.#error ??= error
  }

  /** @internal */
  stream_closed(): void {
    this.#is_gone = true
    this.#is_writable = false
    this.#holds &= ~(HOLD.PAUSED | HOLD.CROWDED)
    if (this.#holds === 0) this.#finish()
  }

  /** Decodes what is still unread, and then reports the end. */
  #finish(): void {
    const unread = this.#stream.read() as Uint8Array | null
    if (unread !== null) this.#keep_chunk(unread)
    this.#read_rest()
    if (this.#holds !== 0) return
    this.#holds = HOLD.FINISHED
    this.#decoder?.end()
    this.#deflate?.end()
    this.account()
    const { code = ABNORMAL_CLOSURE, reason = '' } = this.#closing?.peer_close ?? {}
    this.#sink.socket_closed(code, reason, this.#why_ended(code))
  }

  #why_ended(code: number): NetError | undefined {
    const error = this.#error ?? this.#stream.errored ?? undefined
    if (code !== ABNORMAL_CLOSURE || error === undefined) return undefined
    return new NetError('connection_lost', error.message, { cause: error })
  }

  #keep_chunk(chunk: Uint8Array): void {
    this.#late_chunks ??= []
    this.#late_chunks.push(chunk)
  }

  /** Goes on with what was read before it was held up. */
  #read_rest(): void {
    this.#decoder?.resume()
    this.#return_decoder()
    while (this.#holds === 0 && this.#late_chunks !== undefined) {
      const chunk = this.#late_chunks.shift()
      if (chunk === undefined) this.#late_chunks = undefined
      else this.#decode(chunk)
    }
  }

  #decode(chunk: Uint8Array): void {
    const steps = Math.floor(chunk.length / BYTES_PER_STEP)
    this.#lent_decoder.decode(chunk)
    this.#return_decoder()
    if (steps > 0) this.#count_steps(steps)
  }

  get #lent_decoder(): FrameDecoder {
    this.#decoder ??= this.#decoders.lend(this)
    return this.#decoder
  }

  #return_decoder(): void {
    const decoder = this.#decoder
    if (decoder === undefined || !decoder.is_idle) return
    this.#decoder = undefined
    this.#decoders.take_back(decoder)
  }

  get #is_turn_over(): boolean {
    return (this.#holds & HOLD.TURN_IS_OVER) !== 0
  }

  #hold(reason: Hold): void {
    // What a socket leaves behind is handed on in turns, too, but no peer is slowed down any more.
    if (this.#is_gone && (reason === HOLD.PAUSED || reason === HOLD.CROWDED)) return
    this.#holds |= reason
    // Before it is open, callbacks may run that are left from the connection before.
    if (this.#stream === undefined) return
    this.#decoder?.stop()
    this.#stream.pause()
  }

  #let_go(reason: Hold): void {
    if ((this.#holds & reason) === 0) return
    this.#holds &= ~reason
    this.#go_on()
  }

  #go_on(): void {
    if (this.#holds !== 0 || this.#stream === undefined) return
    if (this.#is_gone) this.#finish()
    else {
      this.#read_rest()
      this.#write_pongs()
      if (this.#holds !== 0) return
      this.#stream.resume()
      if (this.#is_end_due) this.stream_ended()
    }
  }

  /** Hands on what was compressed; returns what is wrong with it, if anything is. */
  #hand_on(bytes: Uint8Array, is_text: boolean): BrokenRule | undefined {
    const { ascii_text, is_ascii, is_utf8, utf8_text } = decoder_memory
    if (!is_text) this.on_message(bytes, bytes.length)
    else if (is_ascii(bytes)) this.on_message(ascii_text(bytes, 0, bytes.length), bytes.length)
    else if (is_utf8(bytes)) this.on_message(utf8_text(bytes, 0, bytes.length), bytes.length)
    else return 'invalid_utf8'
    return undefined
  }

  /** A connection is not called back from within its own call. */
  #let_go_later(reason: Hold): void {
    if ((this.#holds & reason) === 0) return
    process.nextTick(() => {
      this.#let_go(reason)
      this.account()
    })
  }

  /** What was read, and is no message yet. Of somebody who was shed, it is about to be skipped. */
  get #read_bytes(): number {
    if (this.#is_shed) return 0
    const held_bytes = this.#decoder?.held_bytes ?? 0
    if (this.#holds === 0) return held_bytes
    const late_bytes = this.#late_chunks?.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) ?? 0
    return held_bytes + late_bytes + this.#stream.readableLength + (this.#deflate?.inflating_bytes ?? 0)
  }

  #count_steps(steps: number): void {
    if (this.#is_turn_over) return
    this.#steps += steps
    if (this.#steps < STEPS_PER_CHECK) return
    this.#steps = 0
    if (!may_go_on(this)) this.#hold(HOLD.TURN_IS_OVER)
  }

  /** @internal */
  turn_began(): void {
    this.#holds &= ~HOLD.TURN_IS_OVER
    // What was read earlier comes first.
    const inbox = this.#waiting_inbox
    this.#waiting_inbox = undefined
    inbox?.run()
    this.#go_on()
    this.account()
  }

  #count_control_frame(): void {
    this.#count_steps(1)
    this.#control_frames += 1
    if (this.#control_frames % MOST_CONTROL_FRAMES !== 1) return
    const now_ms = performance.now()
    const is_flood = this.#control_frames > 1 && now_ms - this.#control_frames_since_ms < CONTROL_FRAMES_MS
    this.#control_frames_since_ms = now_ms
    if (!is_flood) return
    this.#decoder?.end()
    this.on_broken('too_many_pings')
  }

  /** All that one chunk asked for leave in one write; while they wait for the network, only the latest of those to come is kept. */
  #write_pongs(): void {
    const pongs = this.#pongs
    if (pongs === undefined || this.#is_pong_under_way || !this.#is_writable) return
    this.#pongs = undefined
    const frames = pongs.length === 1 ? (pongs[0] as Uint8Array) : Buffer.concat(pongs)
    this.#is_pong_under_way = true
    this.#stream.write(frames, error => {
      this.#is_pong_under_way = false
      if (!error) this.#write_pongs()
    })
  }

  #write_close(closing: Closing, code: number, reason: string): void {
    this.#stream.write(this.#control_frame(OPCODE.CLOSE, close_payload(code, reason)), error => {
      closing.is_close_sent = !error && this.#under_way === undefined && !this.#stream.destroyed
    })
  }

  #control_frame(opcode: number, payload: Uint8Array): Uint8Array {
    const frame = make_frame(opcode, payload, this.#traits.side === 'client')
    if (this.#traits.side === 'client') mask_frames(frame, next_mask_key)
    return frame
  }

  #is_worth_deflating({ frames }: FrameBatch): boolean {
    const threshold_bytes = compression_threshold(this.#traits.options.compression)
    if (frames.length < threshold_bytes) return false
    for (const { payload } of read_frames(frames)) if (payload.length >= threshold_bytes) return true
    return false
  }

  /** Compresses one message after the other, and writes all of them together: meanwhile nothing else is sent but control frames. */
  #deflate_frames(deflate: MessageDeflate, frames: Iterator<FrameView>, done: Uint8Array[]): void {
    const is_masked = this.#traits.side === 'client'
    const threshold_bytes = compression_threshold(this.#traits.options.compression)
    for (let { value } = frames.next(); value !== undefined; { value } = frames.next()) {
      const { opcode, payload } = value as FrameView
      if (payload.length >= threshold_bytes) {
        deflate.deflate(payload, packed => {
          done.push(make_frame(opcode, packed, is_masked, true))
          this.#deflate_frames(deflate, frames, done)
        })
        return
      }
      done.push(make_frame(opcode, payload, is_masked))
    }
    const tasks = this.#after_deflating
    this.#after_deflating = undefined
    if (!this.#stream.writable) return
    if (this.#write_frames(Buffer.concat(done))) this.#batch_written()
    for (const task of tasks ?? []) task()
  }

  #when_deflated(task: () => void): void {
    if (this.#after_deflating === undefined) task()
    else this.#after_deflating.push(task)
  }

  /** Returns whether the kernel took it at once; if not, {@link Wire.#batch_written} is called later. */
  #write_frames(frames: Uint8Array): boolean {
    if (this.#traits.side === 'client') mask_frames(frames, next_mask_key)
    // To see that no callback is needed costs less than one; over TLS, one always is.
    if ('encrypted' in this.#stream) this.#write_with_callback(frames)
    else if (this.#stream.write(frames) && this.#stream.writableLength === 0) return true
    else this.#write_with_callback(NOTHING)
    return false
  }

  #write_with_callback(bytes: Uint8Array): void {
    this.#stream.write(bytes, error => this.#batch_written(error))
  }

  /** A socket of `node:net` is done with what it has called back for; another stream may have passed it on, and then it must not be overwritten. */
  #release_batch(batch: FrameBatch): void {
    if (this.#stream instanceof Socket) batch.release()
  }

  /** What was pending when a socket was destroyed is called back without an error, too: those messages stay unsent. */
  #batch_written(error?: Error | null): void {
    if (error || this.#stream.destroyed || this.#under_way === undefined) return
    this.#release_batch(this.#under_way)
    this.#under_way = undefined
    if (this.#was_waiting) this.#drains += 1
    this.#was_waiting = false
    this.#sink.socket_drained()
  }
}

function on_data(this: WiredStream, chunk: Uint8Array): void {
  this[WIRE]?.stream_read(chunk)
}

function on_read(this: WiredStream, size_bytes: number): true {
  this[WIRE]?.stream_read(read_chunk(size_bytes))
  return true
}

function on_end(this: WiredStream): void {
  this[WIRE]?.stream_ended()
}

function on_error(this: WiredStream, error: Error): void {
  this[WIRE]?.stream_failed(error)
}

function on_close(this: WiredStream): void {
  this[WIRE]?.stream_closed()
}

/** RFC 6455 §5.5.1; without a code, it is empty. */
function close_payload(code: number, reason: string): Uint8Array {
  if (code === NO_CODE) return NOTHING
  const text = Buffer.from(reason)
  const payload = Buffer.allocUnsafe(2 + text.length)
  payload.writeUInt16BE(code)
  payload.set(text, 2)
  return payload
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
