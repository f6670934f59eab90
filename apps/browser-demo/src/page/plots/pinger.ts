import { message_text } from '../../shared/message.js'
import type { Connection } from '../connection.js'
import { type RoundTripFigures, RoundTrips } from './round_trips.js'

const EVERY_MS = 100
const WINDOW_MS = 8_000

/**
 * Sends a small message ten times a second while the connection is open, and measures how long the answers
 * take.
 */
export class Pinger {
  readonly #connection: Connection
  readonly #trips = new RoundTrips(WINDOW_MS)
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  start(): void {
    this.stop()
    this.#timer = setInterval(() => this.#ping(), EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#trips.clear()
  }

  pong(at_ms: number): void {
    this.#trips.back(at_ms, performance.now())
  }

  /** The round-trip times, including those of pending answers so far. */
  figures(): RoundTripFigures {
    return this.#trips.figures(performance.now())
  }

  #ping(): void {
    // A full queue rejects the ping; the pings that wait in it already show the delay.
    if (this.#connection.is_full) return
    const at_ms = performance.now()
    if (this.#connection.send(message_text({ type: 'ping', at_ms })) === true) this.#trips.sent(at_ms)
  }
}
