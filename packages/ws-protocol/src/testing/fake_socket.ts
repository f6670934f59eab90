import type { SocketEvents, SocketPort } from '../connection/socket_port.js'
import type { NetError } from '../errors/errors.js'
import { utf8_length } from '../frames/utf8.js'
import type { MessageBatch } from '../queues/message_queue.js'

/** What a {@link FakeSocket} was asked to do. */
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

/** A socket that a test plays: it writes down what it is asked, and tells its connection what the test says. */
export class FakeSocket implements SocketPort {
  /** What was asked of it, in order. */
  readonly calls: FakeSocketCall[] = []
  /** Whether the network takes what is written. When not, the bytes stay here until {@link FakeSocket.drain}. */
  takes_writes = true
  /** Whether the network has taken the Close of this side by the time that the socket ends. */
  is_close_sent = true
  #sink: SocketEvents | undefined
  #state: 'connecting' | 'open' | 'ending' | 'ended' = 'connecting'
  #buffered_bytes = 0
  #signs_of_life = 0
  #unsent = 0

  /** Says whom to tell. */
  connect_to(sink: SocketEvents): void {
    this.#sink = sink
  }

  /** All messages that were written, in order. */
  get sent(): readonly (string | Uint8Array)[] {
    return this.calls.flatMap(({ messages = [] }) => messages)
  }

  /** The names of what was asked, in order. */
  get call_names(): readonly FakeSocketCall['call'][] {
    return this.calls.map(call => call.call)
  }

  get is_writable(): boolean {
    return this.#state === 'open'
  }

  get takes_batch(): boolean {
    return this.is_writable && this.#unsent === 0
  }

  get unsent(): number {
    return this.#unsent
  }

  get buffered_bytes(): number {
    return this.#buffered_bytes
  }

  write(batch: MessageBatch): void {
    this.calls.push({ call: 'write', messages: batch.payloads })
    if (this.takes_writes) return
    this.#buffered_bytes += batch.frame_bytes
    this.#unsent = batch.messages
  }

  close(code: number, reason: string): void {
    this.#state = 'ending'
    this.calls.push({ call: 'close', code, reason })
  }

  terminate(): void {
    this.#state = 'ending'
    this.calls.push({ call: 'terminate' })
  }

  signs_of_life(): number {
    return this.#signs_of_life
  }

  ping(): void {
    this.calls.push({ call: 'ping' })
  }

  pause(): void {
    this.calls.push({ call: 'pause' })
  }

  resume(): void {
    this.calls.push({ call: 'resume' })
  }

  /** The handshake succeeds. */
  open(): void {
    this.#state = 'open'
    this.#told.socket_opened()
  }

  /** The peer gives a sign of life that is no message. */
  pong(): void {
    this.#signs_of_life += 1
  }

  /** A message arrives. */
  receive(data: string | Uint8Array): void {
    this.#signs_of_life += 1
    this.#told.socket_message(data, typeof data === 'string' ? utf8_length(data) : data.length)
  }

  /** The network takes what it had left behind; `takes_writes` says whether it takes what comes next. */
  drain(): void {
    this.takes_rest()
    this.#signs_of_life += 1
    this.#told.socket_drained()
  }

  /** The network takes what it had left behind, and the connection has not heard of it yet. */
  takes_rest(): void {
    this.#buffered_bytes = this.#unsent = 0
  }

  /** The peer breaks a rule. */
  fail(error: NetError, code: number): void {
    this.#told.socket_failed(error, code)
  }

  /** The peer ends its side without a Close, and the socket has not ended yet. */
  half_close(): void {
    this.#state = 'ending'
    this.#told.socket_ending()
  }

  /** The peer's Close is in, but the socket has not ended yet. */
  receive_close(): void {
    this.half_close()
  }

  /** The socket ends. */
  end(code: number, reason = '', error?: NetError): void {
    this.#state = 'ended'
    this.#told.socket_closed(code, reason, error)
  }

  get #told(): SocketEvents {
    if (this.#sink === undefined) throw new Error('connect_to comes first')
    return this.#sink
  }
}
