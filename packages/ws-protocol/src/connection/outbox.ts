import { NetError } from '../errors/errors.js'
import type { Batch } from '../queues/batch.js'
import type { SendQueue } from '../queues/send_queue.js'
import type { SharedBatch } from '../queues/shared_frames.js'
import type { Platform } from './platform.js'
import type { SocketPort } from './socket_port.js'

/** What an outbox asks and reports; each call names its owner, so that all connections share one object of these. */
export interface OutboxEvents<Owner> {
  /** Returns whether a callback is running, or its promise is pending. */
  is_in_callback(owner: Owner): boolean
  /** A message did not fit, the first since the queue was last empty. */
  queue_became_full(owner: Owner, error: NetError): void
}

/** Watches the send queues of all connections of a server together. */
export interface QueueBudget {
  /** Called when a queue has taken a message of that many bytes. */
  took(frame_bytes: number): void
}

/** The settings of an outbox. */
export interface OutboxSettings {
  /** Which side this is: a client's frames are masked (RFC 6455 §5.1). */
  readonly side: 'client' | 'server'
  /** Limit of the send queue, in bytes. */
  readonly max_queue: number
  /** Limits the send queues of all connections of a server together. */
  readonly budget?: QueueBudget
}

/**
 * The sending half of a connection: a bounded queue before a port. What is sent in one turn is written with one write at its end, or
 * earlier when a full batch is together.
 */
export class Outbox<Owner> {
  readonly #settings: OutboxSettings
  readonly #platform: Platform
  readonly #owner: Owner
  readonly #events: OutboxEvents<Owner>
  #queue: SendQueue | undefined
  /** What waits in the queue. */
  #bytes = 0
  #messages = 0
  /** What was thrown away unsent. */
  #dropped = 0
  #port: SocketPort | undefined
  /** When what waits is written, if the network takes it: when the running callback is done, or the promise jobs behind it. */
  #flush_is_due: 'soon' | 'deferred' | undefined
  /** What is returned from the time when the queue was full until everything has been sent. */
  #full_error: NetError | undefined
  /** What callers of {@link Outbox.wait_until_sent} wait for, and what resolves it. */
  #sent: Promise<void> | undefined
  #resolve_sent: ((result?: Promise<never>) => void) | undefined

  constructor(settings: OutboxSettings, platform: Platform, owner: Owner, events: OutboxEvents<Owner>) {
    this.#settings = settings
    this.#platform = platform
    this.#owner = owner
    this.#events = events
  }

  /** Says where to write, for the first time or anew. Nothing is written before the port takes it. */
  attach(port: SocketPort): void {
    this.#port = port
  }

  /** Bytes that were sent and that the network has not taken, frame headers included. */
  get bytes(): number {
    return this.#bytes + (this.#port?.buffered_bytes ?? 0)
  }

  /** Messages that the network has not taken whole. */
  get unsent(): number {
    return this.#messages + this.#dropped + (this.#port?.unsent ?? 0)
  }

  /** Takes a message, or as many as were framed together; returns `true`, or the error `queue_full` or `too_large`. */
  send(message: string | Uint8Array | SharedBatch, messages = 1): true | NetError {
    const room_bytes = this.#room_bytes
    const frame_bytes = this.#made_queue().push(message, room_bytes)
    if (frame_bytes > room_bytes) {
      const { max_queue } = this.#settings
      if (frame_bytes > max_queue) return too_large(max_queue)
      this.flush()
      if (frame_bytes > this.#room_bytes) return this.#full()
      this.#made_queue().push(message, frame_bytes)
    }
    this.#bytes += frame_bytes
    this.#messages += messages
    while (this.#queue?.has_full_batch && this.#port?.takes_batch) this.#write_batch(this.#port)
    if (this.#flush_is_due === undefined) {
      this.#flush_is_due = 'soon'
      this.#platform.soon(this.#turn_ended)
    }
    this.#settings.budget?.took(frame_bytes)
    return true
  }

  /** Writes what waits, as far as the network takes it. Returns whether it has taken everything that was ever sent. */
  flush(): boolean {
    while (this.#messages > 0 && this.#port?.takes_batch) this.#write_batch(this.#port)
    if (this.unsent > 0) return false
    this.#end_episode()
    return true
  }

  /** Resolves when the network has taken everything; rejects with `connection_lost` as soon as some of it is lost. */
  wait_until_sent(): Promise<void> {
    if (this.unsent === 0) return Promise.resolve()
    this.#sent ??= new Promise(resolve => {
      this.#resolve_sent = resolve
    })
    return this.#sent
  }

  /** The port is gone; what is queued stays for the next one. Returns how many messages the port had not passed on, which are lost. */
  detach(): number {
    const lost = this.#port?.unsent ?? 0
    this.#port = undefined
    this.#lose(lost)
    if (this.unsent === 0) this.#end_episode()
    return lost
  }

  /** Throws away what waits, and goes on counting it as unsent. */
  drop(): void {
    this.#queue = undefined
    this.#dropped += this.#messages
    this.#bytes = this.#messages = 0
  }

  /** Nothing is sent any more: what is left is lost. */
  end(): void {
    const lost = this.unsent
    this.drop()
    this.#dropped = 0
    // A browser goes on counting what a connection that has ended did not send.
    this.#port = undefined
    this.#lose(lost)
    this.#end_episode()
  }

  #lose(messages: number): void {
    if (messages > 0 && this.#sent !== undefined)
      this.#settle_sent(Promise.reject(lost_before_sent(messages)))
  }

  #end_episode(): void {
    this.#full_error = undefined
    this.#settle_sent()
  }

  #settle_sent(result?: Promise<never>): void {
    this.#sent = undefined
    this.#resolve_sent?.(result)
  }

  #made_queue(): SendQueue {
    this.#queue ??= this.#platform.make_queue(this.#settings.side === 'client')
    return this.#queue
  }

  get #room_bytes(): number {
    const port = this.#port
    const buffered_bytes = port !== undefined && port.unsent > 0 ? port.buffered_bytes : 0
    return this.#settings.max_queue - this.#bytes - buffered_bytes
  }

  #full(): NetError {
    if (this.#full_error !== undefined) return this.#full_error
    const message = `send found the queue full: ${this.bytes} of max_queue ${this.#settings.max_queue} bytes wait for the peer; await drained() and send again`
    const error = new NetError('queue_full', message)
    this.#full_error = error
    this.#events.queue_became_full(this.#owner, error)
    return error
  }

  readonly #turn_ended = (): void => {
    const is_soon = this.#flush_is_due === 'soon'
    // The promise jobs of an async callback may send more in the same turn.
    this.#flush_is_due = is_soon && this.#events.is_in_callback(this.#owner) ? 'deferred' : undefined
    if (this.#flush_is_due === undefined) this.flush()
    else this.#platform.defer(this.#turn_ended)
  }

  #write_batch(port: SocketPort): void {
    const batch = this.#queue?.take() as Batch
    this.#bytes -= batch.frame_bytes
    this.#messages -= batch.messages
    // Who has nothing to send needs no queue.
    if (this.#messages === 0) this.#queue = undefined
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
