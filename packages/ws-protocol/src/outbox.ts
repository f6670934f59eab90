import { NetError } from './errors.js'
import { header_size } from './frame.js'
import type { Platform } from './platform.js'
import type { Batch, SendQueue } from './send_queue.js'
import type { SocketPort } from './socket_port.js'

/** What an outbox reports to. */
export interface OutboxOwner {
  /** A message did not fit, the first since the queue was last empty. */
  queue_became_full(error: NetError): void
  /** The network has taken everything. */
  all_sent(): void
}

/** Watches over what all connections of a server have queued together. */
export interface QueueBudget {
  /** A queue has taken a message of so many bytes. */
  took(frame_bytes: number): void
}

interface Waiter {
  resolve(): void
  reject(error: NetError): void
}

/**
 * The sending half of a connection: a bounded queue before a port. What is sent in one turn is written with one write at its end, or
 * earlier when a full batch is together.
 */
export class Outbox<Kind extends Batch> {
  readonly #limit_bytes: number
  readonly #is_masked: boolean
  readonly #platform: Platform<Kind>
  readonly #owner: OutboxOwner
  readonly #budget: QueueBudget | undefined
  #queue: SendQueue<Kind>
  /** What waits in the queue. */
  #bytes = 0
  #messages = 0
  /** What was thrown away unsent. */
  #dropped = 0
  #port: SocketPort<Kind> | undefined
  #is_flush_due = false
  /** What is returned from the time when the queue was full until everything has been sent. */
  #full_error: NetError | undefined
  #waiters: Waiter[] = []

  constructor(
    limit_bytes: number,
    is_masked: boolean,
    platform: Platform<Kind>,
    owner: OutboxOwner,
    budget?: QueueBudget,
  ) {
    this.#limit_bytes = limit_bytes
    this.#is_masked = is_masked
    this.#platform = platform
    this.#owner = owner
    this.#budget = budget
    this.#queue = platform.make_queue(is_masked)
  }

  /** Says where to write, for the first time or anew. Nothing is written before the port takes it. */
  attach(port: SocketPort<Kind>): void {
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

  /** Takes a message; returns `true`, or the error `queue_full` or `too_large`. */
  send(payload: string | Uint8Array): true | NetError {
    const payload_bytes =
      typeof payload === 'string' ? this.#platform.byte_length(payload) : payload.byteLength
    const frame_bytes = header_size(payload_bytes, this.#is_masked) + payload_bytes
    if (frame_bytes > this.#limit_bytes) return too_large(this.#limit_bytes)
    if (!this.#has_room(frame_bytes)) {
      this.flush()
      if (!this.#has_room(frame_bytes)) return this.#full()
    }
    this.#queue.push(payload, payload_bytes, frame_bytes)
    this.#bytes += frame_bytes
    this.#messages += 1
    while (this.#queue.has_full_batch && this.#port?.takes_batch) this.#write_batch(this.#port)
    this.#flush_at_end_of_turn()
    this.#budget?.took(frame_bytes)
    return true
  }

  /** Writes what waits, as far as the network takes it. */
  flush(): void {
    while (this.#messages > 0 && this.#port?.takes_batch) this.#write_batch(this.#port)
    if (this.unsent > 0) return
    this.#end_episode()
    this.#owner.all_sent()
  }

  /** Settles when everything has been sent; rejects when it never will be: see {@link Outbox.end}. */
  wait_until_sent(): Promise<void> {
    if (this.unsent === 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** The port is gone: what waits here waits for the next one. Returns how many messages it had not passed on, which are lost. */
  detach(): number {
    const lost = this.#port?.unsent ?? 0
    this.#port = undefined
    // Who waits for nothing but what is lost must not wait for the next port.
    if (this.unsent === 0) this.#end_episode()
    return lost
  }

  /** Throws away what waits, and goes on counting it as unsent. */
  drop(): void {
    this.#queue = this.#platform.make_queue(this.#is_masked)
    this.#dropped += this.#messages
    this.#bytes = this.#messages = 0
  }

  /** Nothing is sent any more: who waits is told `error`, and what waits is thrown away. */
  end(error: NetError): void {
    this.drop()
    this.#dropped = 0
    // A browser goes on counting what a connection that has ended did not send.
    this.#port = undefined
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #end_episode(): void {
    this.#full_error = undefined
    for (const waiter of this.#waiters.splice(0)) waiter.resolve()
  }

  #has_room(frame_bytes: number): boolean {
    const port = this.#port
    const buffered_bytes = port !== undefined && port.unsent > 0 ? port.buffered_bytes : 0
    return this.#bytes + buffered_bytes + frame_bytes <= this.#limit_bytes
  }

  #full(): NetError {
    if (this.#full_error !== undefined) return this.#full_error
    const message = `send found the queue full: ${this.bytes} of max_queue ${this.#limit_bytes} bytes wait for the peer; await drained() and send again`
    const error = new NetError('queue_full', message)
    this.#full_error = error
    this.#owner.queue_became_full(error)
    return error
  }

  #flush_at_end_of_turn(): void {
    if (this.#is_flush_due) return
    this.#is_flush_due = true
    this.#platform.defer(() => {
      this.#is_flush_due = false
      this.flush()
    })
  }

  #write_batch(port: SocketPort<Kind>): void {
    const batch = this.#queue.take() as Kind
    this.#bytes -= batch.frame_bytes
    this.#messages -= batch.messages
    port.write(batch)
  }
}

function too_large(limit_bytes: number): NetError {
  const message = `send got a message that can never fit: max_queue is ${limit_bytes} bytes; raise it, or send smaller pieces`
  return new NetError('too_large', message)
}
