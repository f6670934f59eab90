import type { Duplex } from 'node:stream'
import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'
import { type InboxBudget, type InboxHolder, read_little_ahead } from '@bt/ws-protocol/internal/node'
import type { LazySignal } from '../handshake/lazy_signal.js'

/** The end of a wait for `authorize`. */
export type WaitOutcome =
  | { readonly name: 'answered'; readonly data: unknown }
  | { readonly name: 'failed'; readonly error: unknown }
  | { readonly name: 'left' | 'timed_out' | 'shut_down' | 'shed' }

/** Called when a wait has ended, with everything that the client has sent after its request. */
export type WaitDone = (outcome: WaitOutcome, head: Buffer) => void

/** The settings of a {@link WaitingClient}. */
export interface WaitSettings {
  readonly stream: Duplex
  /** The bytes that arrived together with the request. */
  readonly head: Buffer
  /** Aborted when the result of `authorize` is no longer needed. */
  readonly signal: LazySignal
  readonly timeout_ms: number
  /** Limits the memory for received bytes. */
  readonly inbox_budget: InboxBudget
  readonly clock: Clock
  /** Called once. */
  readonly done: WaitDone
}

/**
 * The reasons of an aborted signal. They are created once, because the stack trace of an error keeps alive
 * the objects on it: here the client's socket, for as long as `authorize` holds the signal.
 */
const ABORT_REASONS = {
  left: new DOMException('the client has left', 'AbortError'),
  timed_out: new DOMException('authorize took longer than handshake_timeout', 'TimeoutError'),
  shut_down: new DOMException('the server closes', 'AbortError'),
  shed: new DOMException('the client has sent too much, too early', 'AbortError'),
} as const

/** The limit of bytes that are read from a waiting client; more stays in the network. */
const MAX_HELD_BYTES = 65_536

/**
 * The number of received chunks that are kept before they are joined, because each takes some 200 bytes
 * besides its content.
 */
const MAX_CHUNKS = 64

/**
 * A client that waits for `authorize`. Its socket is read meanwhile, because Node does not report the end of
 * a socket that is not read, and the received bytes are kept. After the end of the wait, nothing of the
 * client is kept alive here, however long `authorize` runs.
 */
export class WaitingClient {
  #wait: AuthorizeWait | undefined

  constructor(settings: WaitSettings) {
    this.#wait = new AuthorizeWait(settings, outcome => this.end(outcome))
  }

  /** Starts to wait. The wait may end within this call. */
  start(): void {
    this.#wait?.start()
  }

  /** Ends the wait, unless it has ended already. */
  end(outcome: WaitOutcome): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.end(outcome)
  }
}

class AuthorizeWait implements InboxHolder {
  readonly #settings: WaitSettings
  #chunks: Buffer[] = []
  #held_bytes = 0
  #cancel_timer: CancelTimer | undefined
  readonly #on_data = (chunk: Buffer): void => this.#keep(chunk)
  readonly #on_end: (outcome: WaitOutcome) => void
  readonly #on_client_left: () => void

  constructor(settings: WaitSettings, on_end: (outcome: WaitOutcome) => void) {
    this.#settings = settings
    this.#on_end = on_end
    this.#on_client_left = () => on_end({ name: 'left' })
  }

  start(): void {
    const { stream, head, clock, timeout_ms } = this.#settings
    this.#cancel_timer = start_peer_timeout(clock, timeout_ms, () => this.#on_end({ name: 'timed_out' }))
    stream.on('data', this.#on_data)
    stream.on('end', this.#on_client_left)
    stream.on('close', this.#on_client_left)
    read_little_ahead(stream)
    // Node pauses the stream if bytes arrived together with the request.
    stream.resume()
    if (head.length > 0) this.#keep(head)
  }

  get held_bytes(): number {
    return this.#held_bytes
  }

  get sheddable_bytes(): number {
    return this.#held_bytes
  }

  account(): void {
    this.#set_held_bytes(this.#bytes)
  }

  shed(): false {
    this.#on_end({ name: 'shed' })
    // The result counts closed sockets, and this client never was one.
    return false
  }

  end(outcome: WaitOutcome): void {
    const { stream, signal, done } = this.#settings
    this.#cancel_timer?.()
    // Data that arrives while there is no listener would be lost.
    stream.pause()
    stream.off('data', this.#on_data)
    stream.off('end', this.#on_client_left)
    stream.off('close', this.#on_client_left)
    this.#set_held_bytes(0)
    done(outcome, Buffer.concat(this.#chunks))
    if (outcome.name !== 'answered' && outcome.name !== 'failed') signal.abort(ABORT_REASONS[outcome.name])
  }

  get #bytes(): number {
    return this.#chunks.reduce((sum, { length }) => sum + length, this.#settings.stream.readableLength)
  }

  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk)
    if (this.#chunks.length > MAX_CHUNKS) this.#chunks = [Buffer.concat(this.#chunks)]
    if (this.#bytes >= MAX_HELD_BYTES) this.#settings.stream.pause()
    this.account()
  }

  #set_held_bytes(bytes: number): void {
    const by_bytes = bytes - this.#held_bytes
    this.#held_bytes = bytes
    this.#settings.inbox_budget.changed(this, by_bytes)
  }
}
