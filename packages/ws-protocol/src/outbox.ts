import { NetError } from './errors.js'
import type { Platform } from './platform.js'
import { type PushResult, SendQueue } from './send_queue.js'
import type { SocketPort } from './socket_port.js'

/** What an outbox reports to. */
export interface OutboxOwner {
  /** A message did not fit, the first since the queue was last empty. */
  queue_became_full(error: NetError): void
  /** The network has taken everything. */
  all_sent(): void
}

interface Waiter {
  resolve(): void
  reject(error: NetError): void
}

/**
 * The sending half of a connection: a bounded queue before a port. What is sent in one turn is written with one write at its end, or
 * earlier when a full batch is together. While the network has not taken a batch, no other is written.
 */
export class Outbox {
  readonly #limit_bytes: number
  readonly #platform: Platform
  readonly #owner: OutboxOwner
  readonly #queue: SendQueue
  #port: SocketPort | undefined
  /** Messages in the one batch that the port was given and the network has not taken yet. */
  #in_flight = 0
  #is_flush_due = false
  /** What is returned from the time when the queue was full until everything has been sent. */
  #full_error: NetError | undefined
  #waiters: Waiter[] = []

  constructor(limit_bytes: number, is_masked: boolean, platform: Platform, owner: OutboxOwner) {
    this.#limit_bytes = limit_bytes
    this.#platform = platform
    this.#owner = owner
    this.#queue = new SendQueue(limit_bytes, is_masked, platform.text)
  }

  /** Says where to write. Nothing is written before the port is writable. */
  attach(port: SocketPort): void {
    this.#port = port
  }

  /** Bytes that were sent and that the network has not taken, frame headers included. */
  get bytes(): number {
    return this.#queue.bytes + (this.#port?.buffered_bytes ?? 0)
  }

  /** Messages that the network has not taken whole. */
  get unsent(): number {
    return this.#queue.messages + this.#in_flight
  }

  /** Takes a message; returns `true`, or the error `queue_full` or `too_large`. */
  send(payload: string | Uint8Array): true | NetError {
    let result = this.#push(payload)
    if (result === 'full') {
      this.flush()
      result = this.#push(payload)
    }
    if (result === 'too_large') return too_large(this.#limit_bytes)
    if (result === 'full') return this.#full()
    while (this.#queue.has_full_batch && this.#can_write()) this.#write_batch()
    this.#flush_at_end_of_turn()
    return true
  }

  /** Writes what waits, as far as the network takes it. */
  flush(): void {
    while (this.#queue.messages > 0 && this.#can_write()) this.#write_batch()
    if (this.unsent === 0) this.#all_sent()
  }

  /** The network has taken the batch that it had not. */
  drained(): void {
    this.#in_flight = 0
    this.flush()
  }

  /** Settles when everything has been sent; rejects when it never will be: see {@link Outbox.end}. */
  wait_until_sent(): Promise<void> {
    if (this.unsent === 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** Nothing is sent any more: who waits is told `error`, and what waits is thrown away. */
  end(error: NetError): void {
    this.#queue.clear()
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
  }

  #push(payload: string | Uint8Array): PushResult {
    const elsewhere_bytes = this.#in_flight > 0 ? (this.#port?.buffered_bytes ?? 0) : 0
    return this.#queue.push(payload, elsewhere_bytes)
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

  #can_write(): boolean {
    return this.#in_flight === 0 && this.#port?.is_writable === true
  }

  #write_batch(): void {
    const batch = this.#queue.take()
    if (batch === undefined) return
    if (this.#port?.write(batch)) this.#queue.release(batch)
    else this.#in_flight = batch.messages
  }

  #all_sent(): void {
    this.#full_error = undefined
    for (const waiter of this.#waiters.splice(0)) waiter.resolve()
    this.#owner.all_sent()
  }
}

function too_large(limit_bytes: number): NetError {
  const message = `send got a message that can never fit into the queue: max_queue is ${limit_bytes} bytes; raise it, or send smaller pieces`
  return new NetError('too_large', message)
}
