import { NetError } from '../errors/errors.js'
import type { Batch } from '../queues/batch.js'
import type { SendQueue } from '../queues/send_queue.js'
import type { SharedBatch } from '../queues/shared_frames.js'
import type { Platform } from './platform.js'
import type { SocketPort } from './socket_port.js'

/** Tells the end of a synchronous callback from the end of the turn. */
interface CallbackState {
  /** Whether a callback is running, or the promise that it returned is pending. */
  readonly is_running: boolean
  /** Whether that callback is the one for the latest opening. */
  readonly is_opening: boolean
}

/** Limits the send queues of all connections of a server together. */
export interface QueueBudget {
  /** Called when a queue has accepted a message of that many bytes. */
  took(frame_bytes: number): void
}

/** The messages behind the first words of a connection. */
interface Rest {
  queue: SendQueue | undefined
  bytes: number
  messages: number
  /** Whether no more first words come. */
  is_released: boolean
}

/** The promise that {@link Outbox.drained} returns, and its resolver. */
interface Drain {
  readonly promise: Promise<void>
  settle(result?: Promise<never>): void
}

function new_drain(): Drain {
  let settle!: Drain['settle']
  const promise = new Promise<void>(resolve => {
    settle = resolve
  })
  return { promise, settle }
}

/** The settings of an outbox. */
export interface OutboxSettings {
  /** The side of the connection: a client's frames are masked (RFC 6455 §5.1). */
  readonly side: 'client' | 'server'
  /** Limit of the send queue, in bytes. */
  readonly max_queue: number
  /** Limits the send queues of all connections of a server together. */
  readonly budget?: QueueBudget
}

/**
 * The sending half of a connection: a bounded queue in front of a port. The messages of one turn are written
 * together at its end, or as soon as they fill a batch.
 */
export class Outbox {
  readonly #settings: OutboxSettings
  readonly #platform: Platform
  readonly #callbacks: CallbackState
  /** What is written next. */
  #queue: SendQueue | undefined
  /** While first words are in the queue, or may come: what follows them. */
  #rest: Rest | undefined
  /** All that is queued. */
  #bytes = 0
  #messages = 0
  /** The number of messages that were dropped unsent. */
  #dropped = 0
  #port: SocketPort | undefined
  /** When the queue is written next: `soon` after the running callback, `deferred` after its promise jobs. */
  #flush_is_due: 'soon' | 'deferred' | undefined
  /** The error that `send` returns from when the queue was full until everything has been sent. */
  #full_error: NetError | undefined
  /** The promise that {@link Outbox.drained} returns, and its resolver. */
  #sent: Drain | undefined
  /** The same for what was called while first words may come: it waits for these alone. */
  #first_sent: Drain | undefined

  constructor(settings: OutboxSettings, platform: Platform, callbacks: CallbackState) {
    this.#settings = settings
    this.#platform = platform
    this.#callbacks = callbacks
  }

  /** Sets the first or next port. Nothing is written until it takes a batch. */
  attach(port: SocketPort): void {
    this.#port = port
  }

  /** Returns the number of sent bytes that the network has not taken, including frame headers. */
  get bytes(): number {
    return this.#bytes + (this.#port?.buffered_bytes ?? 0)
  }

  /** Returns the number of sent messages that the network has not taken whole. */
  get unsent(): number {
    return this.#messages + this.#dropped + (this.#port?.unsent ?? 0)
  }

  /**
   * Returns the number of messages that are lost with the port: those that it has not written, and first words,
   * since the next connection has its own.
   */
  get unsent_if_lost(): number {
    return this.unsent - (this.#rest?.messages ?? this.#messages)
  }

  /** Whether a message was refused with `queue_full` since everything was last sent. */
  get is_full(): boolean {
    return this.#full_error !== undefined
  }

  /**
   * Queues a message, or `messages` that were framed together; returns `true`, or the error `queue_full` or
   * `too_large`. If `is_optional`, a message without room is dropped instead, which is no `queue_full`.
   */
  send(message: string | Uint8Array | SharedBatch, messages = 1, is_optional?: boolean): true | NetError {
    const room_bytes = this.#room_bytes
    const frame_bytes = this.#last_queue().push(message, room_bytes)
    if (frame_bytes > room_bytes) {
      const { max_queue } = this.#settings
      if (frame_bytes > max_queue) return too_large(max_queue)
      this.flush()
      if (frame_bytes > this.#room_bytes) return is_optional || this.#full()
      this.#last_queue().push(message, frame_bytes)
    }
    this.#bytes += frame_bytes
    this.#messages += messages
    if (this.#rest !== undefined && !this.#takes_first_words) {
      this.#rest.bytes += frame_bytes
      this.#rest.messages += messages
    }
    while (this.#queue?.has_full_batch && this.#port?.takes_batch) this.#write_batch(this.#port)
    if (this.#flush_is_due === undefined) {
      this.#flush_is_due = 'soon'
      this.#platform.soon(this.#turn_ended)
    }
    this.#settings.budget?.took(frame_bytes)
    return true
  }

  /**
   * Writes the queue, as far as the network takes it. Returns whether the network has taken every message so
   * far.
   */
  flush(): boolean {
    while (this.#first_messages > 0 && this.#port?.takes_batch) this.#write_batch(this.#port)
    if (this.unsent_if_lost === 0) this.#settle_first()
    if (this.unsent > 0) return false
    this.#end_episode()
    return true
  }

  /**
   * Resolves when the network has taken everything; rejects with `connection_lost` as soon as some of it is
   * lost.
   */
  drained(): Promise<void> {
    const is_first = this.#takes_first_words
    if ((is_first ? this.unsent_if_lost : this.unsent) === 0) return Promise.resolve()
    const sent = (is_first ? this.#first_sent : this.#sent) ?? new_drain()
    if (is_first) this.#first_sent = sent
    else this.#sent = sent
    this.#port?.request_ack?.()
    return sent.promise
  }

  /** Keeps what is queued until {@link Outbox.release}: the first words of a connection go ahead of it. */
  hold(): void {
    // Those of an earlier connection, if they were kept, come first.
    if (this.#rest !== undefined) {
      this.#rest.is_released = false
      return
    }
    this.#rest = { queue: this.#queue, bytes: this.#bytes, messages: this.#messages, is_released: false }
    this.#queue = undefined
  }

  /** Ends the first words. What was held back follows them. */
  release(): void {
    if (this.#rest === undefined) return
    this.#rest.is_released = true
    this.#end_first_words()
    this.flush()
  }

  /**
   * Removes the port, unless it keeps its messages; the queue is kept for the next one. Returns the number of
   * messages that are lost.
   */
  detach(): number {
    if (this.#port?.keeps_messages) return 0
    const lost = this.unsent_if_lost
    this.#port = undefined
    if (this.#rest !== undefined) {
      this.#bytes = this.#rest.bytes
      this.#messages = this.#rest.messages
      this.#queue = this.#rest.queue
      this.#rest = undefined
    }
    this.lose(lost)
    if (this.unsent === 0) this.#end_episode()
    return lost
  }

  /** Drops the queue; its messages still count as unsent. */
  drop(): void {
    this.#queue = this.#rest = undefined
    this.#dropped += this.#messages
    this.#bytes = this.#messages = 0
  }

  /** Ends sending; all remaining messages are lost. */
  end(): void {
    const lost = this.unsent
    this.drop()
    this.#dropped = 0
    // A browser's socket keeps counting unsent bytes after it has ended.
    this.#port = undefined
    this.lose(lost)
    this.#end_episode()
  }

  /** Rejects what waits for messages that are lost. */
  lose(messages: number): void {
    if (messages === 0 || (this.#sent ?? this.#first_sent) === undefined) return
    const lost = Promise.reject(lost_before_sent(messages))
    this.#settle_first(lost)
    this.#settle_sent(lost)
  }

  #end_episode(): void {
    this.#full_error = undefined
    this.#settle_first()
    this.#settle_sent()
  }

  #settle_sent(result?: Promise<never>): void {
    this.#sent?.settle(result)
    this.#sent = undefined
  }

  #settle_first(result?: Promise<never>): void {
    this.#first_sent?.settle(result)
    this.#first_sent = undefined
  }

  /** Returns the queue for the next message. */
  #last_queue(): SendQueue {
    const rest = this.#takes_first_words ? undefined : this.#rest
    const queue =
      (rest ? rest.queue : this.#queue) ?? this.#platform.make_queue(this.#settings.side !== 'server')
    if (rest) rest.queue = queue
    else this.#queue = queue
    return queue
  }

  /** Whether what is sent now goes ahead of the rest. */
  get #takes_first_words(): boolean {
    return this.#rest?.is_released === false && this.#callbacks.is_opening
  }

  /** The number of messages that may be written. */
  get #first_messages(): number {
    return this.#messages - (this.#rest?.messages ?? 0)
  }

  /** Lets the rest follow the first words when these are written, and no more come. */
  #end_first_words(): void {
    if (this.#first_messages > 0) return
    // An idle connection takes less memory without a queue.
    this.#queue = undefined
    if (!this.#rest?.is_released) return
    this.#queue = this.#rest.queue
    this.#rest = undefined
  }

  get #room_bytes(): number {
    const port = this.#port
    const buffered_bytes = port !== undefined && port.unsent > 0 ? port.buffered_bytes : 0
    // First words have room of their own: else a full queue would keep a client from saying who it is.
    const held_bytes = this.#takes_first_words ? (this.#rest?.bytes ?? 0) : 0
    return this.#settings.max_queue - (this.#bytes - held_bytes) - buffered_bytes
  }

  #full(): NetError {
    const { max_queue } = this.#settings
    this.#full_error ??= new NetError(
      'queue_full',
      `send found the queue full: ${this.bytes} of max_queue ${max_queue} bytes wait for the peer; await drained() and send again`,
    )
    return this.#full_error
  }

  readonly #turn_ended = (): void => {
    const is_soon = this.#flush_is_due === 'soon'
    // The promise jobs of an async callback may send further messages in the same turn.
    this.#flush_is_due = is_soon && this.#callbacks.is_running ? 'deferred' : undefined
    if (this.#flush_is_due === undefined) this.flush()
    else this.#platform.defer(this.#turn_ended)
  }

  #write_batch(port: SocketPort): void {
    const batch = this.#queue?.take() as Batch
    this.#bytes -= batch.frame_bytes
    this.#messages -= batch.messages
    this.#end_first_words()
    port.write(batch)
  }
}

function too_large(limit_bytes: number): NetError {
  const message = `send got a message that can never fit: max_queue is ${limit_bytes} bytes; raise it, or send smaller pieces`
  return new NetError('too_large', message)
}

function lost_before_sent(messages: number): NetError {
  const message = `drained: the connection has ended; unsent messages: ${messages}; send again what has to arrive`
  return new NetError('connection_lost', message)
}
