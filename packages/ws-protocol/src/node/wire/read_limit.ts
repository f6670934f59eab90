import type { CancelTimer, Clock } from '../../time/clock.js'
import { CHECKS_PER_SPAN } from '../../time/periodic_check.js'
import { TokenBucket } from '../../time/token_bucket.js'

/** What may be read from a peer per second; the options of these names. */
export interface ReadRates {
  readonly messages_per_second?: number | undefined
  /** Bytes as received: with frame headers, as compressed, without what TLS adds. */
  readonly bytes_per_second?: number | undefined
}

/** A pause lasts at least this long, unless fewer tokens are worth a second, so that few timers are needed. */
const PAUSE_MS = 100

/** Limits what is read from one peer per second; at once, it may be as much as after a second of quiet. */
export class ReadLimit {
  readonly #clock: Clock
  readonly #messages: TokenBucket | undefined
  readonly #bytes: TokenBucket | undefined
  #cancel_timer: CancelTimer | undefined
  #has_paused = false
  #checks = 0

  constructor({ messages_per_second, bytes_per_second }: ReadRates, clock: Clock) {
    this.#clock = clock
    if (messages_per_second !== undefined) this.#messages = new TokenBucket(messages_per_second, clock)
    if (bytes_per_second !== undefined) this.#bytes = new TokenBucket(bytes_per_second, clock)
  }

  get limits_bytes(): boolean {
    return this.#bytes !== undefined
  }

  /** Counts a message; returns how long not to read the next one, in milliseconds. */
  count_message(): number {
    this.#messages?.take()
    return this.#messages?.wait_ms(PAUSE_MS) ?? 0
  }

  /** Takes at most this many bytes; returns how many may be decoded now. */
  take_bytes(bytes: number): number {
    return this.#bytes?.take_up_to(bytes) ?? bytes
  }

  /** How long there are no bytes to take, in milliseconds. */
  get bytes_wait_ms(): number {
    return this.#bytes?.wait_ms(PAUSE_MS) ?? 0
  }

  /** Whether reading has paused yet. */
  get has_paused(): boolean {
    return this.#has_paused
  }

  /** Calls `resume` after a pause. */
  pause(for_ms: number, resume: () => void): void {
    this.#has_paused = true
    this.stop()
    this.#cancel_timer = this.#clock.start_timer(for_ms, resume)
  }

  /** Ends the pause without a call. */
  stop(): void {
    this.#cancel_timer?.()
  }

  /**
   * Counts a check of the heartbeat during a pause; returns whether to ping. The peer's own pings may be stuck
   * behind what is not read, so it would otherwise see no sign of life from this side.
   */
  is_ping_due(): boolean {
    this.#checks = (this.#checks + 1) % CHECKS_PER_SPAN
    return this.#checks === 0
  }
}
