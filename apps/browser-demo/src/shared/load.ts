import type { NetError } from '@bt/net'
import { Pacer } from './pacer.js'

const TICK_MS = 8

/** Whoever sends through a bounded queue: the page's connection, or a server's socket. */
export interface Sender {
  /** Sends, or says why not. */
  send(text: string): true | NetError
  /** Settles when all was taken; rejects when it never will be. */
  drained(): Promise<void>
}

/**
 * Sends the same message again and again, at a rate. A full queue is waited for: what becomes due meanwhile is held back, and is
 * never made up for. It ends by itself when its sender is closed.
 */
export class Load {
  readonly #sender: Sender
  readonly #pacer: Pacer
  readonly #timer: ReturnType<typeof setInterval>
  #text: string
  #is_waiting = false
  #held_back = 0

  constructor(sender: Sender, rate: number, text: string) {
    this.#sender = sender
    this.#text = text
    this.#pacer = new Pacer(rate, performance.now())
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** How many messages were due while the queue was full, and were not sent. */
  get held_back(): number {
    return this.#held_back
  }

  /** Goes on with another rate, in messages a second, and another message. */
  change(rate: number, text: string): void {
    this.#pacer.set_rate(rate)
    this.#text = text
  }

  /** Sends no more. Twice is fine. */
  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    let due = this.#pacer.due(performance.now())
    while (due > 0 && !this.#is_waiting && this.#send_one()) due -= 1
    if (this.#is_waiting) this.#held_back += due
  }

  #send_one(): boolean {
    const sent = this.#sender.send(this.#text)
    if (sent === true) return true
    if (sent.code === 'queue_full') this.#wait()
    else this.stop()
    return false
  }

  #wait(): void {
    this.#is_waiting = true
    const go_on = (): void => {
      this.#is_waiting = false
    }
    // If it rejects, messages were lost; whether there is still a connection to come, the next `send` says.
    this.#sender.drained().then(go_on, go_on)
  }
}
