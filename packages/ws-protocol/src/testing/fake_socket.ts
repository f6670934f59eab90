import type { SocketEvents, SocketPort } from '../connection/socket_port.js'
import type { NetError } from '../errors/errors.js'
import { utf8_length } from '../frames/utf8.js'
import type { MessageBatch } from '../queues/message_queue.js'

/** A call of a method of a {@link FakeSocket}. */
export interface FakeSocketCall {
  /** The method's name. */
  readonly call: 'write' | 'close' | 'terminate' | 'ping' | 'pause' | 'resume'
  /** The messages of a `write`. */
  readonly messages?: readonly (string | Uint8Array)[]
  /** The code of a `close`. */
  readonly code?: number
  /** The reason of a `close`. */
  readonly reason?: string
}

/**
 * A socket that a test controls: it records the calls of its connection, and raises events when the test says
 * so.
 */
export class FakeSocket implements SocketPort {
  /** The calls of its connection, in order. */
  readonly calls: FakeSocketCall[] = []
  /**
   * Whether the network takes what is written. If not, the bytes stay buffered until
   * {@link FakeSocket.drain}.
   */
  takes_writes = true
  /** Whether the network has taken the Close of this side when the socket ends. */
  is_close_sent = true
  #connected_events: SocketEvents | undefined
  #state: 'connecting' | 'open' | 'ending' | 'ended' = 'connecting'
  #buffered_bytes = 0
  #signs_of_life = 0
  #unsent = 0

  /** Sets the receiver of this socket's events. */
  connect_to(events: SocketEvents): void {
    this.#connected_events = events
  }

  /** Returns all written messages, in order. */
  get sent(): readonly (string | Uint8Array)[] {
    return this.calls.flatMap(({ messages = [] }) => messages)
  }

  /** Returns the names of all calls, in order. */
  get call_names(): readonly FakeSocketCall['call'][] {
    return this.calls.map(call => call.call)
  }

  /** Whether messages can be sent. */
  get is_writable(): boolean {
    return this.#state === 'open'
  }

  /** Whether the network takes a batch now. */
  get takes_batch(): boolean {
    return this.is_writable && this.#unsent === 0
  }

  /** Messages that were written, and that the network has not taken. */
  get unsent(): number {
    return this.#unsent
  }

  /** Bytes that were written, and that the network has not taken. */
  get buffered_bytes(): number {
    return this.#buffered_bytes
  }

  /** Takes a batch. */
  write(batch: MessageBatch): void {
    this.calls.push({ call: 'write', messages: batch.payloads })
    if (this.takes_writes) return
    this.#buffered_bytes += batch.frame_bytes
    this.#unsent = batch.messages
  }

  /** Records a Close. */
  close(code: number, reason: string): void {
    this.#state = 'ending'
    this.calls.push({ call: 'close', code, reason })
  }

  /** Records that the socket was ended at once. */
  terminate(): void {
    this.#state = 'ending'
    this.calls.push({ call: 'terminate' })
  }

  /** Returns a number that changes with each sign of life of the peer. */
  signs_of_life(): number {
    return this.#signs_of_life
  }

  /** Records a ping. */
  ping(): void {
    this.calls.push({ call: 'ping' })
  }

  /** Records that reading stops. */
  pause(): void {
    this.calls.push({ call: 'pause' })
  }

  /** Records that reading resumes. */
  resume(): void {
    this.calls.push({ call: 'resume' })
  }

  /** Opens the socket: the handshake succeeds. */
  open(): void {
    this.#state = 'open'
    this.#events.socket_opened()
  }

  /** Receives a sign of life from the peer other than a message. */
  pong(): void {
    this.#signs_of_life += 1
  }

  /** Receives a message. */
  receive(data: string | Uint8Array): void {
    this.#signs_of_life += 1
    this.#events.socket_message(data, typeof data === 'string' ? utf8_length(data) : data.length)
  }

  /**
   * Lets the network take all buffered bytes, and reports that; `takes_writes` still decides about further
   * writes.
   */
  drain(): void {
    this.takes_rest()
    this.#signs_of_life += 1
    this.#events.socket_drained()
  }

  /** Lets the network take all buffered bytes, without reporting it yet. */
  takes_rest(): void {
    this.#buffered_bytes = this.#unsent = 0
  }

  /** Reports that the peer has broken a rule. */
  fail(error: NetError, code: number): void {
    this.#events.socket_failed(error, code)
  }

  /** Reports that the peer has ended its side without a Close; the socket has not ended yet. */
  half_close(): void {
    this.#state = 'ending'
    this.#events.socket_ending()
  }

  /** Receives the peer's Close; the socket has not ended yet. */
  receive_close(): void {
    this.half_close()
  }

  /** Ends the socket. */
  end(code: number, reason = '', error?: NetError): void {
    this.#state = 'ended'
    this.#events.socket_closed(code, reason, error)
  }

  get #events(): SocketEvents {
    if (this.#connected_events === undefined) throw new Error('connect_to comes first')
    return this.#connected_events
  }
}
