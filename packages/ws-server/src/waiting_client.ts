import type { Duplex } from 'node:stream'
import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol'
import type { LateSignal } from './late_signal.js'

/** How the wait for `authorize` ended. */
export type WaitOutcome =
  | { readonly name: 'answered'; readonly data: unknown }
  | { readonly name: 'failed'; readonly error: unknown }
  | { readonly name: 'left' | 'timed_out' | 'shut_down' }

/** A wait that is over: the client's socket, and what it has sent behind its handshake so far. */
export type WaitDone = (outcome: WaitOutcome, head: Buffer) => void

/** What a wait needs to know. */
export interface WaitSettings {
  /** The client's socket. */
  readonly stream: Duplex
  /** What came along with the handshake. */
  readonly head: Buffer
  /** Aborted when the answer is of no use any more. */
  readonly signal: LateSignal
  /** How long to wait at most. */
  readonly timeout_ms: number
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
} as const

/** So much is read of a client that is not let in yet; more waits in the network. */
const MOST_HELD_BYTES = 65_536

/**
 * A client whose `authorize` runs. Its socket is read meanwhile, since one that is not read does not tell that the client has left; what
 * it sends is kept. Whichever comes first ends the wait, and then nothing of the client is held here, however long `authorize` goes on.
 */
export class WaitingClient {
  #wait: Wait | undefined

  constructor(settings: WaitSettings) {
    this.#wait = new Wait(settings, outcome => this.end(outcome))
  }

  /** Ends the wait; one that has ended already stays as it ended. */
  end(outcome: WaitOutcome): void {
    const wait = this.#wait
    this.#wait = undefined
    wait?.end(outcome)
  }
}

class Wait {
  readonly #settings: WaitSettings
  readonly #parts: Buffer[]
  #bytes: number
  readonly #cancel_timer: CancelTimer
  readonly #read = (part: Buffer): void => this.#keep(part)
  readonly #left: () => void

  constructor(settings: WaitSettings, over: (outcome: WaitOutcome) => void) {
    const { stream, head, clock, timeout_ms } = settings
    this.#settings = settings
    this.#parts = [head]
    this.#bytes = head.length
    this.#left = () => over({ name: 'left' })
    this.#cancel_timer = start_peer_timeout(clock, timeout_ms, () => over({ name: 'timed_out' }))
    stream.on('data', this.#read)
    stream.on('end', this.#left)
    stream.on('close', this.#left)
    // It is paused where something came along with the handshake.
    stream.resume()
  }

  end(outcome: WaitOutcome): void {
    const { stream, signal, done } = this.#settings
    this.#cancel_timer()
    // Without a listener, what flows is lost.
    stream.pause()
    stream.off('data', this.#read)
    stream.off('end', this.#left)
    stream.off('close', this.#left)
    done(outcome, Buffer.concat(this.#parts))
    if (outcome.name !== 'answered' && outcome.name !== 'failed') signal.abort(ABORT_REASONS[outcome.name])
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes >= MOST_HELD_BYTES) this.#settings.stream.pause()
  }
}
