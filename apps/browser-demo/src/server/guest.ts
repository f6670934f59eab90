import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetError, type WsSocket } from '@bt/net'
import { Load } from '../shared/load.js'
import { load_text, message_text, type Person } from '../shared/message.js'

const SLOW_MS = 5

/** The server's side of one connection. */
export class Guest {
  readonly person: Person
  readonly socket: WsSocket
  /** The key that authorizes control requests; only the page of this connection knows it. */
  readonly key: string = randomUUID()
  /** Whether load from this connection is read slowly. */
  is_slow = false
  #feed: Load | undefined
  #held_back_before = 0
  /** Numbers that the full queue has refused. */
  #numbers: number[] = []

  constructor(socket: WsSocket, person: Person) {
    this.socket = socket
    this.person = person
  }

  /** The number of messages of its feeds that were skipped because the socket's queue was full. */
  get held_back(): number {
    return this.#held_back_before + (this.#feed?.held_back ?? 0)
  }

  /** Sends load at a rate, in messages per second; 0 ends it. */
  feed(rate: number, size_bytes: number): void {
    if (rate === 0) this.stop()
    else if (this.#feed === undefined) this.#feed = new Load(this.socket, rate, load_text(size_bytes))
    else this.#feed.change(rate, load_text(size_bytes))
  }

  /** Ends the load. */
  stop(): void {
    this.#feed?.stop()
    this.#held_back_before = this.held_back
    this.#feed = undefined
  }

  /** Sends a number of the server, after those that the queue had no room for. */
  count(run: number, number: number): void {
    this.#numbers.push(number)
    const refused = this.#numbers.findIndex(
      next => this.socket.send(message_text({ type: 'number', run, number: next })) !== true,
    )
    this.#numbers = refused === -1 ? [] : this.#numbers.slice(refused)
  }

  /** Echoes load. It delays the answer if the socket is read slowly, and waits while the queue is full. */
  answer_load(text: string): unknown {
    return this.is_slow ? this.#answer_slowly(text) : this.#send_patiently(text)
  }

  async #answer_slowly(text: string): Promise<void> {
    await sleep(SLOW_MS)
    const sent = await this.#send_patiently(text)
    // No answer is expected any more, so the remaining messages pass without delay.
    if (sent !== true) this.is_slow = false
  }

  #send_patiently(text: string): true | NetError | Promise<true | NetError> {
    const sent = this.socket.send(text)
    return is_full(sent) ? this.#send_when_drained(text) : sent
  }

  async #send_when_drained(text: string): Promise<true | NetError> {
    for (;;) {
      try {
        await this.socket.drained()
      } catch (error) {
        if (error instanceof NetError) return error
        throw error
      }
      const sent = this.socket.send(text)
      if (!is_full(sent)) return sent
    }
  }
}

/** Whether a result of `send`, or an error, means that the queue is full, so that waiting helps. */
export function is_full(sent: true | NetError): boolean {
  return sent !== true && sent.code === 'queue_full'
}
