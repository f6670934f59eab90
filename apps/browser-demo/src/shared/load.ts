import type { NetError } from '@bt/net'
import { Pacer } from './pacer.js'

const TICK_MS = 8

/** A sender with a bounded queue: the page's connection, or a server's socket. */
export interface Sender {
  /** Queues a message, or returns why it can't. */
  send(text: string): true | NetError
  /** Resolves when the queue is empty; rejects when messages are lost, or the connection is closed. */
  drained(): Promise<void>
}

/**
 * Sends the same message repeatedly, at a fixed rate. While the queue is full it waits, and skips the
 * messages that become due meanwhile. It ends by itself when its sender is closed.
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

  /** The number of messages that were skipped because the queue was full. */
  get held_back(): number {
    return this.#held_back
  }

  /** Changes the rate, in messages per second, and the message. */
  change(rate: number, text: string): void {
    this.#pacer.set_rate(rate)
    this.#text = text
  }

  /** Ends the load. Further calls do nothing. */
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
    // A rejection means lost messages; the next `send` says whether the connection is closed.
    this.#sender.drained().then(go_on, go_on)
  }
}
