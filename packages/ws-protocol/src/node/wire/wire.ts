import { randomFillSync } from 'node:crypto'
import { Socket } from 'node:net'
import type { Runnable, SocketEvents, SocketPort } from '../../connection/socket_port.js'
import { NetError } from '../../errors/errors.js'
import { type BrokenRule, describe_broken_rule } from '../../frames/broken_rule.js'
import { ABNORMAL_CLOSURE } from '../../frames/close_code.js'
import type { DecoderEvents, FrameDecoder } from '../../frames/decoder.js'
import { type FrameView, make_frame, mask_frames, OPCODE, read_frames } from '../../frames/frame.js'
import { LEADING_BYTE } from '../../frames/leading_byte.js'
import type { FrameBatch } from '../../queues/batch.js'
import type { Clock } from '../../time/clock.js'
import { MessageDeflate } from '../deflate/deflate.js'
import type { DeflateParameters } from '../deflate/deflate_agreement.js'
import { decoder_memory } from '../memory/decoder_memory.js'
import { DecoderPool } from '../memory/decoder_pool.js'
import { message_memory_bytes } from '../memory/message_memory.js'
import { read_chunk, share_read_memory } from '../memory/read_memory.js'
import { next_tick } from '../turns/real_turns.js'
import { type ByteStream, drop_idle_listener, read_little_ahead } from './byte_stream.js'
import { close_payload } from './close_frame.js'
import { ReadLimit } from './read_limit.js'
import { may_continue, STEPS_PER_CHECK, type TurnTaker } from './turn_share.js'
import { compression_level, compression_threshold, type WireOptions } from './wire_options.js'

/** A connection or client that shares a budget for received data. */
export interface InboxHolder {
  /** The memory of the received data that it holds, in bytes, as last reported to the budget. */
  readonly held_bytes: number
  /** How many of these bytes shedding would free; callbacks use the rest. */
  readonly sheddable_bytes: number
  /** Reports the bytes that it holds now to the budget. Not every change is noticed at once. */
  account(): void
  /**
   * Closes with `code` and `reason`, releases the data that it holds, and reports `error`; returns `false` if
   * it was already ending.
   */
  shed(error: NetError, code: number, reason: string): boolean
}

/** Limits the received data that the connections of a server hold together. */
export interface InboxBudget {
  /**
   * The current limit for one connection, in bytes of messages that wait or are being handled, before its
   * socket is paused.
   */
  readonly max_waiting_bytes: number
  /** Reports that a holder's {@link InboxHolder.held_bytes} has changed by this many bytes. */
  changed(holder: InboxHolder, by_bytes: number): void
}

/** The settings that all wires of one server, or of one client, share. */
export interface WireTraits {
  /** The side of the wire: a client's frames are masked (RFC 6455 §5.1). */
  readonly side: 'client' | 'server'
  readonly options: WireOptions
  readonly clock: Clock
  /** Left out by clients, which have one connection each. */
  readonly inbox_budget?: InboxBudget
  /** Called with the round-trip time of each ping, in milliseconds. */
  readonly round_trip?: (ms: number) => void
  /** 1 if binary messages have a leading byte, which does not count in `max_payload`: see `bt.session.1`. */
  readonly leading_bytes?: 0 | 1
  /** Called once for a peer that is read more slowly than it sends, because of the limits per second. */
  readonly slowed?: () => void
}

/** The reasons why a wire is not reading. They are bits, since several may apply at once. */
const HOLD = {
  PAUSED: 1,
  TURN_IS_OVER: 2,
  INFLATING: 4,
  OVER_BUDGET: 8,
  FINISHED: 16,
  OPENING: 32,
  OVER_RATE: 64,
} as const
type Hold = (typeof HOLD)[keyof typeof HOLD]
/** The reasons that slow the peer down. */
const HOLDS_THE_PEER = HOLD.PAUSED | HOLD.OVER_BUDGET | HOLD.OVER_RATE

/** This many bytes take about as long to read as a small message. */
const BYTES_PER_STEP = 2_048

/** More pings and pongs than this within a second are a flood. */
const MAX_CONTROL_FRAMES = 1_024
const CONTROL_FRAMES_MS = 1_000
/**
 * The number of pongs that may wait for the network, followed by at most the latest further one (RFC 6455
 * §5.5.3).
 */
const MAX_PONGS = 64

/** The state of the closing handshake. */
interface CloseHandshake {
  /** The Close of the peer, once received. */
  peer_close?: { readonly code: number; readonly reason: string }
  /** Whether the network has taken this side's Close. */
  is_close_sent: boolean
}

const NOTHING = new Uint8Array(0)

/** The decoders of connections with the same traits, without and with compression. */
const decoder_pools = new WeakMap<WireTraits, readonly [plain: DecoderPool, compressed: DecoderPool]>()

function decoder_pool(traits: WireTraits, is_compressed: boolean): DecoderPool {
  let pools = decoder_pools.get(traits)
  if (pools === undefined) {
    const { side, options } = traits
    const pool = (is_compressed: boolean): DecoderPool =>
      new DecoderPool({
        from: side === 'client' ? 'server' : 'client',
        max_payload: options.max_payload + (traits.leading_bytes ?? 0),
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
 * A {@link SocketPort} over a stream of bytes: frames, Close, ping and pong in both directions (RFC 6455 §5
 * to §7). It gets the stream when the handshake is done, and writes a whole batch of frames at once.
 */
export class Wire implements SocketPort, DecoderEvents, InboxHolder, TurnTaker {
  readonly #traits: WireTraits
  readonly #abort: (() => void) | undefined
  #events!: SocketEvents
  #stream!: ByteStream
  #decoders!: DecoderPool
  /** Borrowed while it is reading, within a message, stopped or ended. */
  #decoder: FrameDecoder | undefined
  #deflate: MessageDeflate | undefined
  #is_writable = false
  // Reading.
  #holds = 0
  #unread_chunks: Uint8Array[] | undefined
  /** Whether the peer has ended its side, but earlier data is still to be decoded. */
  #is_end_due = false
  #is_stream_closed = false
  #steps = 0
  /** Defined while there is a limit per second, and the connection is not closing. */
  #read_limit: ReadLimit | undefined
  #waiting_inbox: Runnable | undefined
  /** The memory of the message whose callback has returned a promise, in bytes. */
  #running_bytes = 0
  #held_bytes = 0
  #is_shed = false
  #control_frames = 0
  #control_frames_since_ms = 0
  #pongs: Uint8Array[] | undefined
  #is_pong_pending = false
  // Writing.
  /** The batch that the network has not taken yet: while there is one, no other is written. */
  #pending_batch: FrameBatch | undefined
  /**
   * How often the network took a batch that was pending at the last check, which shows that the peer has made
   * room.
   */
  #drains = 0
  #was_pending_at_check = false
  /** Tasks for when all earlier messages are compressed; defined while compression is in progress. */
  #after_deflating: (() => void)[] | undefined
  /** The time of the ping whose pong is awaited. */
  #pinged_ms: number | undefined
  // Closing.
  /** Defined from the first Close on, in either direction. */
  #closing: CloseHandshake | undefined
  #is_broken = false
  #error: Error | undefined

  /** `abort` ends the handshake; it is left out if the handshake is done. */
  constructor(traits: WireTraits, abort?: () => void) {
    this.#traits = traits
    this.#abort = abort
  }

  /**
   * Starts reading and writing `stream` when the handshake is done, and reports to `events`. `head` is the
   * data that followed the handshake; `deflate` the negotiated parameters, if messages may be compressed.
   */
  open(events: SocketEvents, stream: ByteStream, head: Uint8Array, deflate?: DeflateParameters): void {
    const { options, clock } = this.#traits
    this.#events = events
    this.#stream = stream
    if (deflate !== undefined)
      this.#deflate = new MessageDeflate(deflate, {
        level: compression_level(options.compression),
        max_payload: options.max_payload + (this.#traits.leading_bytes ?? 0),
      })
    if (options.messages_per_second !== undefined || options.bytes_per_second !== undefined)
      this.#read_limit = new ReadLimit(options, clock)
    this.#is_writable = true
    this.#decoders = decoder_pool(this.#traits, deflate !== undefined)
    if (stream instanceof Socket) stream.setTimeout(0).setNoDelay()
    read_little_ahead(stream)
    drop_idle_listener(stream)
    // Data must not be unshifted: a stream that has failed would drop it, and one with shared read memory is
    // read past its buffer.
    const unread = stream.read() as Uint8Array | null
    for (const chunk of [head, unread]) if (chunk !== null && chunk.length > 0) this.#keep_chunk(chunk)
    const wired: WiredStream = stream
    wired[WIRE] = this
    share_read_memory(wired, on_read)
    stream.on('data', on_data)
    stream.on('end', on_end)
    stream.on('error', on_error)
    stream.on('close', on_close)
    if (this.#unread_chunks === undefined) return
    this.#hold(HOLD.OPENING)
    this.#release_hold_later(HOLD.OPENING)
  }

  /** Reports to other events from now on. */
  report_to(events: SocketEvents): void {
    this.#events = events
  }

  /** Forgets the memory of messages that wait or are handled: the connection goes on without this wire. */
  release_messages(): void {
    this.#running_bytes = 0
    this.account()
  }

  // SocketPort

  get is_writable(): boolean {
    return this.#is_writable
  }

  get takes_batch(): boolean {
    return this.#pending_batch === undefined && this.#is_writable
  }

  get is_close_sent(): boolean {
    return this.#closing?.is_close_sent ?? false
  }

  get unsent(): number {
    return this.#pending_batch?.messages ?? 0
  }

  get buffered_bytes(): number {
    return this.#stream?.writableLength ?? 0
  }

  write(batch: FrameBatch): void {
    if (this.#deflate !== undefined && this.#is_worth_deflating(batch)) {
      this.#pending_batch = batch
      this.#after_deflating = []
      this.#deflate_frames(this.#deflate, read_frames(batch.frames), [])
    } else if (this.#write_frames(batch.frames)) this.#release_batch(batch)
    else this.#pending_batch = batch
  }

  close(code: number, reason: string): void {
    if (this.#stream === undefined) this.#abort?.()
    else if (this.#closing === undefined) {
      const closing: CloseHandshake = { is_close_sent: false }
      this.#closing = closing
      this.#is_writable = false
      this.#when_deflated(() => {
        this.#write_close(closing, code, reason)
        if (this.#is_broken) this.#stream.end()
      })
      // The peer's Close has to be read even if reading was paused.
      this.#release_hold_later(HOLD.PAUSED)
      this.#release_hold_later(HOLD.OVER_BUDGET)
      this.#end_read_limit()
      this.#release_hold_later(HOLD.OVER_RATE)
    }
  }

  terminate(): void {
    if (this.#stream === undefined) this.#abort?.()
    else this.#stream.destroy()
  }

  signs_of_life(): number {
    // While reading is held up, silence says nothing about the peer.
    if ((this.#holds & (HOLD.OVER_BUDGET | HOLD.OVER_RATE)) !== 0) this.#drains += 1
    if ((this.#holds & HOLD.OVER_RATE) !== 0 && this.#read_limit?.is_ping_due()) this.#write_ping()
    // A batch that is pending only for a moment does not count: over TLS, every write is.
    if (this.#pending_batch !== undefined) this.#was_pending_at_check = true
    return this.#stream.bytesRead + this.#drains
  }

  ping(): void {
    if (this.#write_ping()) this.#pinged_ms ??= this.#traits.clock.now_ms()
  }

  /** Returns `false` behind a batch that the network does not take, since a ping would only wait, too. */
  #write_ping(): boolean {
    if (!this.takes_batch) return false
    this.#stream.write(this.#control_frame(OPCODE.PING, NOTHING))
    return true
  }

  pause(): void {
    this.#hold(HOLD.PAUSED)
  }

  resume(): void {
    this.#release_hold_later(HOLD.PAUSED)
  }

  may_run(inbox: Runnable): boolean {
    // This is called between callbacks, so none is running.
    this.#running_bytes = 0
    if (this.#held_bytes > 0) this.account()
    this.#count_steps(1)
    if (this.#is_turn_over) this.#waiting_inbox = inbox
    return !this.#is_turn_over
  }

  /** Counts the memory of `data` until the promise that its callback returned settles. */
  lend(data: string | Uint8Array): void {
    this.#running_bytes = message_memory_bytes(data, Buffer.byteLength(data))
    this.account()
  }

  get stream(): ByteStream {
    return this.#stream
  }

  // InboxHolder

  get held_bytes(): number {
    return this.#held_bytes
  }

  get sheddable_bytes(): number {
    return this.#is_stream_closed ? 0 : this.#held_bytes - this.#running_bytes
  }

  account(): void {
    const budget = this.#traits.inbox_budget
    if (budget === undefined) return
    const waiting_bytes = this.#events.inbox.bytes + this.#running_bytes
    const held_bytes = waiting_bytes + this.#read_bytes
    const by_bytes = held_bytes - this.#held_bytes
    if (by_bytes !== 0) {
      this.#held_bytes = held_bytes
      budget.changed(this, by_bytes)
    }
    // A closing connection keeps reading, to find the peer's Close.
    if (waiting_bytes > budget.max_waiting_bytes && this.#closing === undefined) this.#hold(HOLD.OVER_BUDGET)
    else if (waiting_bytes <= budget.max_waiting_bytes / 2) this.#release_hold_later(HOLD.OVER_BUDGET)
  }

  shed(error: NetError, code: number, reason: string): boolean {
    const is_shed = this.#events.shed?.(error, code, reason) === true
    if (is_shed) {
      this.#is_shed = true
      this.#events.close()
      this.#lent_decoder.skip_messages()
      this.#deflate?.end_inflating()
      this.#release_hold_later(HOLD.INFLATING)
      this.account()
    } else this.terminate()
    return is_shed
  }

  // DecoderEvents

  on_message(data: string | Uint8Array, payload_bytes: number): void {
    // Applications get a plain Uint8Array, however the message was fragmented: `String` of a Buffer, for
    // example, would return its text.
    const message = data instanceof Buffer ? new Uint8Array(data.buffer, data.byteOffset, data.length) : data
    if (typeof message === 'string' && payload_bytes > this.#traits.options.max_payload) {
      // Only with leading bytes, which text has not.
      this.#decoder?.end()
      this.on_broken('message_too_large')
      return
    }
    this.#events.socket_message(message, payload_bytes, message_memory_bytes(message, payload_bytes))
    this.#count_steps(1)
    if (this.#read_limit !== undefined) this.#slow_down(this.#read_limit, this.#read_limit.count_message())
  }

  on_compressed(payload: Uint8Array, is_text: boolean): void {
    this.#hold(HOLD.INFLATING)
    this.#deflate?.inflate(payload, result => {
      const broken = typeof result === 'string' ? result : this.#deliver_inflated(result, is_text)
      if (broken !== undefined) {
        this.#lent_decoder.end()
        this.on_broken(broken)
      }
      this.#release_hold(HOLD.INFLATING)
      this.account()
    })
  }

  on_ping(payload: Uint8Array): void {
    this.#count_control_frame()
    if (!this.#is_writable) return
    this.#pongs ??= []
    // The frame is a copy, which the payload's view of the read memory requires.
    const pong = this.#control_frame(OPCODE.PONG, payload)
    if (this.#pongs.length <= MAX_PONGS) this.#pongs.push(pong)
    else this.#pongs[MAX_PONGS] = pong
  }

  on_pong(): void {
    this.#count_control_frame()
    if (this.#pinged_ms !== undefined)
      this.#traits.round_trip?.(this.#traits.clock.now_ms() - this.#pinged_ms)
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
    if (is_answer) this.#events.socket_ending()
  }

  on_broken(rule: BrokenRule): void {
    this.#write_pongs()
    this.#is_broken = true
    // Further data is read and dropped, so that the connection ends without a reset.
    if (this.#closing !== undefined) this.#when_deflated(() => this.#stream.end())
    const { error, close_code } = describe_broken_rule(rule, this.#traits.options)
    this.#events.socket_failed(error, close_code)
  }

  // Events of the stream

  /** @internal */
  stream_read(chunk: Uint8Array): void {
    // A foreign stream may emit more data after it was paused, and Node's own streams do so if they were
    // paused in a `data` event.
    if (this.#holds !== 0) {
      this.#stream.pause()
      this.#keep_chunk(Buffer.from(chunk))
      this.account()
      return
    }
    if (this.#read_limit?.limits_bytes !== true) this.#decode(chunk)
    else {
      this.#keep_chunk(Buffer.from(chunk))
      this.#decode_unread()
    }
    if (this.#pongs !== undefined) this.#write_pongs()
    this.account()
  }

  /** @internal */
  stream_ended(): void {
    // TLS reports the end even while it is paused, when messages and the peer's Close may still be unread.
    this.#is_end_due = this.#holds !== 0
    if (this.#is_end_due || this.#closing?.peer_close !== undefined) return
    this.#is_writable = false
    this.#stream.end()
    this.#events.socket_ending()
  }

  /** @internal */
  stream_failed(error: Error): void {
    this.#error ??= error
  }

  /** @internal */
  stream_closed(): void {
    this.#is_stream_closed = true
    this.#is_writable = false
    this.#holds &= ~HOLDS_THE_PEER
    this.#end_read_limit()
    if (this.#holds === 0) this.#finish()
  }

  /** Decodes unread data, and then reports the end. */
  #finish(): void {
    const unread = this.#stream.read() as Uint8Array | null
    if (unread !== null) this.#keep_chunk(unread)
    this.#decode_unread()
    if (this.#holds !== 0) return
    this.#holds = HOLD.FINISHED
    this.#decoder?.end()
    this.#deflate?.end()
    this.account()
    const { code = ABNORMAL_CLOSURE, reason = '' } = this.#closing?.peer_close ?? {}
    this.#events.socket_closed(code, reason, this.#loss_error(code))
  }

  #loss_error(code: number): NetError | undefined {
    const error = this.#error ?? this.#stream.errored ?? undefined
    if (code !== ABNORMAL_CLOSURE || error === undefined) return undefined
    return new NetError('connection_lost', error.message, { cause: error })
  }

  #keep_chunk(chunk: Uint8Array): void {
    this.#unread_chunks ??= []
    this.#unread_chunks.push(chunk)
  }

  /** Decodes data that was read while decoding was held up. */
  #decode_unread(): void {
    this.#decoder?.resume()
    this.#return_decoder()
    while (this.#holds === 0 && this.#unread_chunks !== undefined) {
      const chunk = this.#unread_chunks.shift()
      if (chunk === undefined) this.#unread_chunks = undefined
      else this.#decode_within_rate(chunk)
    }
  }

  /** Decodes what the rate allows of a chunk, and puts the rest back. */
  #decode_within_rate(chunk: Uint8Array): void {
    const limit = this.#read_limit
    const bytes = limit?.take_bytes(chunk.length) ?? chunk.length
    if (bytes < chunk.length) this.#unread_chunks?.unshift(chunk.subarray(bytes))
    if (bytes > 0) this.#decode(chunk.subarray(0, bytes))
    else if (limit !== undefined) this.#slow_down(limit, limit.bytes_wait_ms)
  }

  /** Stops reading for a time, which may be 0. */
  #slow_down(limit: ReadLimit, for_ms: number): void {
    if (for_ms === 0) return
    if (!limit.has_paused) this.#traits.slowed?.()
    limit.pause(for_ms, () => {
      this.#release_hold(HOLD.OVER_RATE)
      this.account()
    })
    this.#hold(HOLD.OVER_RATE)
  }

  /** Reads a connection that is closing as fast as it can, to find the peer's Close. */
  #end_read_limit(): void {
    this.#read_limit?.stop()
    this.#read_limit = undefined
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
    // The data of a closed socket is still delivered in turns, but there is no peer left to slow down.
    if (this.#is_stream_closed && (reason & HOLDS_THE_PEER) !== 0) return
    this.#holds |= reason
    // Before the wire is open, callbacks of the previous socket may still run.
    if (this.#stream === undefined) return
    this.#decoder?.stop()
    this.#stream.pause()
  }

  #release_hold(reason: Hold): void {
    if ((this.#holds & reason) === 0) return
    this.#holds &= ~reason
    this.#continue_reading()
  }

  #continue_reading(): void {
    if (this.#holds !== 0 || this.#stream === undefined) return
    if (this.#is_stream_closed) this.#finish()
    else {
      this.#decode_unread()
      this.#write_pongs()
      if (this.#holds !== 0) return
      this.#stream.resume()
      if (this.#is_end_due) this.stream_ended()
    }
  }

  /** Delivers a decompressed message; returns the rule that it breaks, if any. */
  #deliver_inflated(bytes: Uint8Array, is_text: boolean): BrokenRule | undefined {
    const { ascii_text, is_ascii, is_utf8, utf8_text } = decoder_memory
    if (!is_text) this.on_message(bytes, bytes.length)
    else if (is_ascii(bytes)) this.on_message(ascii_text(bytes, 0, bytes.length), bytes.length)
    else if (is_utf8(bytes)) this.on_message(utf8_text(bytes, 0, bytes.length), bytes.length)
    else return 'invalid_utf8'
    return undefined
  }

  /** Removes a hold in the next tick, since a connection must not be called from within its own call. */
  #release_hold_later(reason: Hold): void {
    if ((this.#holds & reason) === 0) return
    next_tick(() => {
      this.#release_hold(reason)
      this.account()
    })
  }

  /** Returns the bytes that were read, but are no message yet. After shedding, the decoder skips them. */
  get #read_bytes(): number {
    if (this.#is_shed) return 0
    const held_bytes = this.#decoder?.held_bytes ?? 0
    if (this.#holds === 0) return held_bytes
    const late_bytes = this.#unread_chunks?.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) ?? 0
    return held_bytes + late_bytes + this.#stream.readableLength + (this.#deflate?.inflating_bytes ?? 0)
  }

  #count_steps(steps: number): void {
    if (this.#is_turn_over) return
    this.#steps += steps
    if (this.#steps < STEPS_PER_CHECK) return
    this.#steps = 0
    if (!may_continue(this)) this.#hold(HOLD.TURN_IS_OVER)
  }

  /** @internal */
  turn_began(): void {
    this.#holds &= ~HOLD.TURN_IS_OVER
    // Messages that were read earlier come first.
    const inbox = this.#waiting_inbox
    this.#waiting_inbox = undefined
    inbox?.run()
    this.#continue_reading()
    this.account()
  }

  #count_control_frame(): void {
    this.#count_steps(1)
    this.#control_frames += 1
    if (this.#control_frames % MAX_CONTROL_FRAMES !== 1) return
    const now_ms = this.#traits.clock.now_ms()
    const is_flood = this.#control_frames > 1 && now_ms - this.#control_frames_since_ms < CONTROL_FRAMES_MS
    this.#control_frames_since_ms = now_ms
    if (!is_flood) return
    this.#decoder?.end()
    this.on_broken('too_many_pings')
  }

  /**
   * Writes all pongs for one chunk at once. While a write is pending, further ones collect up to
   * {@link MAX_PONGS}, and then only the latest is kept.
   */
  #write_pongs(): void {
    const pongs = this.#pongs
    if (pongs === undefined || this.#is_pong_pending || !this.#is_writable) return
    this.#pongs = undefined
    const frames = pongs.length === 1 ? (pongs[0] as Uint8Array) : Buffer.concat(pongs)
    this.#is_pong_pending = true
    this.#stream.write(frames, error => {
      this.#is_pong_pending = false
      if (!error) this.#write_pongs()
    })
  }

  #write_close(closing: CloseHandshake, code: number, reason: string): void {
    this.#stream.write(this.#control_frame(OPCODE.CLOSE, close_payload(code, reason)), error => {
      closing.is_close_sent = !error && this.#pending_batch === undefined && !this.#stream.destroyed
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
    for (const view of read_frames(frames)) if (this.#may_deflate(view, threshold_bytes)) return true
    return false
  }

  /** Control messages of a session are never compressed: their token must not stand beside text that others choose. */
  #may_deflate({ opcode, payload }: FrameView, threshold_bytes: number): boolean {
    const is_control =
      this.#traits.leading_bytes === 1 && opcode === OPCODE.BINARY && payload[0] === LEADING_BYTE.CONTROL
    return payload.length >= threshold_bytes && !is_control
  }

  /**
   * Compresses one message after the other, and writes all of them together. Meanwhile only control frames
   * are sent.
   */
  #deflate_frames(deflate: MessageDeflate, frames: Iterator<FrameView>, done: Uint8Array[]): void {
    const is_masked = this.#traits.side === 'client'
    const threshold_bytes = compression_threshold(this.#traits.options.compression)
    for (let { value } = frames.next(); value !== undefined; { value } = frames.next()) {
      const { opcode, payload } = value as FrameView
      if (this.#may_deflate(value as FrameView, threshold_bytes)) {
        deflate.deflate(payload, compressed => {
          done.push(make_frame(opcode, compressed, is_masked, true))
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

  /**
   * Writes frames. Returns whether the kernel took them at once; if not, `#batch_written` is called later.
   */
  #write_frames(frames: Uint8Array): boolean {
    if (this.#traits.side === 'client') mask_frames(frames, next_mask_key)
    // Checking whether a callback is needed costs less than one. Over TLS, it always is.
    if ('encrypted' in this.#stream) this.#write_with_callback(frames)
    else if (this.#stream.write(frames) && this.#stream.writableLength === 0) return true
    // An empty write calls back when all bytes before it are written.
    else this.#write_with_callback(NOTHING)
    return false
  }

  #write_with_callback(bytes: Uint8Array): void {
    this.#stream.write(bytes, error => this.#batch_written(error))
  }

  /**
   * Frees a batch for reuse if the stream is a `net.Socket`, which is done with it. Another stream may have
   * passed its memory on without a copy.
   */
  #release_batch(batch: FrameBatch): void {
    if (this.#stream instanceof Socket) batch.release()
  }

  /**
   * Finishes the pending batch. A destroyed socket may call back without an error as well; then its messages
   * stay unsent.
   */
  #batch_written(error?: Error | null): void {
    if (error || this.#stream.destroyed || this.#pending_batch === undefined) return
    this.#release_batch(this.#pending_batch)
    this.#pending_batch = undefined
    if (this.#was_pending_at_check) this.#drains += 1
    this.#was_pending_at_check = false
    this.#events.socket_drained()
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

/** Returns the payload of a Close (RFC 6455 §5.5.1), which is empty for 1005. */
const KEY_BYTES = 4
const key_pool = Buffer.allocUnsafeSlow(8_192)
let next_key_at = key_pool.length

/** Returns an unpredictable masking key (RFC 6455 §10.3). */
function next_mask_key(): number {
  if (next_key_at === key_pool.length) {
    randomFillSync(key_pool)
    next_key_at = 0
  }
  const key = key_pool.readUInt32BE(next_key_at)
  next_key_at += KEY_BYTES
  return key
}
