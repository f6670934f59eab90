import type { Duplex } from 'node:stream'
import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'
import { type InboxBudget, type InboxHolder, read_little_ahead } from '@bt/ws-protocol/internal/node'
import type { LazySignal } from '../handshake/lazy_signal.js'

/** How the wait for `authorize` ended. */
export type WaitOutcome =
  | { readonly name: 'answered'; readonly data: unknown }
  | { readonly name: 'failed'; readonly error: unknown }
  | { readonly name: 'left' | 'timed_out' | 'shut_down' | 'shed' }

/** A wait that is over: the client's socket, and what it has sent behind its handshake so far. */
export type WaitDone = (outcome: WaitOutcome, head: Buffer) => void

/** What a wait needs to know. */
export interface WaitSettings {
  /** The client's socket. */
  readonly stream: Duplex
  /** What came along with the handshake. */
  readonly head: Buffer
  /** Aborted when the answer is of no use any more. */
  readonly signal: LazySignal
  /** How long to wait at most. */
  readonly timeout_ms: number
  /** What of it is kept counts here. */
  readonly inbox_budget: InboxBudget
  /** Time. */
  readonly clock: Clock
  /** Called once. */
  readonly done: WaitDone
}

/**
 * What a signal is aborted with. Made once, since an error keeps alive whatever was at work where it was made: here the client's socket, for as
 * long as somebody has the signal.
 */
const ABORT_REASONS = {
  left: new DOMException('the client has left', 'AbortError'),
  timed_out: new DOMException('authorize took longer than handshake_timeout', 'TimeoutError'),
  shut_down: new DOMException('the server closes', 'AbortError'),
  shed: new DOMException('the client has sent too much, too early', 'AbortError'),
} as const

/** So much is read of a client that is not let in yet; more waits in the network. */
const MOST_HELD_BYTES = 65_536

/** Then they are joined: each takes some 200 bytes beside what is in it. */
const MOST_PARTS = 64

/**
 * A client whose `authorize` runs. Its socket is read meanwhile, since one that is not read does not tell that the client has left; what
 * it sends is kept. Whichever comes first ends the wait, and then nothing of the client is held here, however long `authorize` goes on.
 */
export class WaitingClient {
  #wait: Wait | undefined

  constructor(settings: WaitSettings) {
    this.#wait = new Wait(settings, outcome => this.end(outcome))
  }

  /** Begins to wait, which may end at once. */
  start(): void {
    this.#wait?.start()
  }

  /** Ends the wait; one that has ended already stays as it ended. */
  end(outcome: WaitOutcome): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.end(outcome)
  }
}

class Wait implements InboxHolder {
  readonly #settings: WaitSettings
  #parts: Buffer[] = []
  #held_bytes = 0
  #cancel_timer: CancelTimer | undefined
  readonly #read = (part: Buffer): void => this.#keep(part)
  readonly #over: (outcome: WaitOutcome) => void
  readonly #left: () => void

  constructor(settings: WaitSettings, over: (outcome: WaitOutcome) => void) {
    this.#settings = settings
    this.#over = over
    this.#left = () => over({ name: 'left' })
  }

  start(): void {
    const { stream, head, clock, timeout_ms } = this.#settings
    this.#cancel_timer = start_peer_timeout(clock, timeout_ms, () => this.#over({ name: 'timed_out' }))
    stream.on('data', this.#read)
    stream.on('end', this.#left)
    stream.on('close', this.#left)
    read_little_ahead(stream)
    // It is paused where something came along with the handshake.
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
    this.#holds(this.#bytes)
  }

  shed(): false {
    this.#over({ name: 'shed' })
    // No socket was closed: a client is turned away.
    return false
  }

  end(outcome: WaitOutcome): void {
    const { stream, signal, done } = this.#settings
    this.#cancel_timer?.()
    // Without a listener, what flows is lost.
    stream.pause()
    stream.off('data', this.#read)
    stream.off('end', this.#left)
    stream.off('close', this.#left)
    this.#holds(0)
    done(outcome, Buffer.concat(this.#parts))
    if (outcome.name !== 'answered' && outcome.name !== 'failed') signal.abort(ABORT_REASONS[outcome.name])
  }

  get #bytes(): number {
    return this.#parts.reduce((sum, { length }) => sum + length, this.#settings.stream.readableLength)
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    if (this.#parts.length > MOST_PARTS) this.#parts = [Buffer.concat(this.#parts)]
    if (this.#bytes >= MOST_HELD_BYTES) this.#settings.stream.pause()
    this.account()
  }

  #holds(bytes: number): void {
    const by_bytes = bytes - this.#held_bytes
    this.#held_bytes = bytes
    this.#settings.inbox_budget.changed(this, by_bytes)
  }
}
