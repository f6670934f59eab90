import type { CloseInfo, NetError } from '@bt/ws-protocol'
import {
  backoff_ms,
  type CancelTimer,
  type ConnectionRetry,
  callback_error,
  MAX_DELAY_MS,
  type Platform,
} from '@bt/ws-protocol/internal'
import type { ReconnectSettings } from './options.js'
import { close_hint, type ReadRefusal } from './retry_rule.js'

/** The longest delay that a server may ask for: an hour. */
const MAX_REQUESTED_DELAY_MS = 3_600_000
/** Clients do not all wake up at once when a network is back. */
const WAKE_JITTER_MS = 1_000

type ReconnectorPlatform = Pick<Platform, 'clock' | 'is_offline' | 'is_cut_off'>

/** The settings of a {@link Reconnector}. */
export interface ReconnectorSettings extends ReconnectSettings {
  /** Missing on platforms that hide the response of a refused handshake. */
  readonly read_refusal?: ReadRefusal | undefined
}

/** The owner of a {@link Reconnector}. */
export interface ReconnectorEvents {
  /** The connection was lost, and another attempt follows after `delay_ms`. */
  waiting(info: CloseInfo, error: NetError | undefined, delay_ms: number): void
  /** Returns the URL of the latest attempt; `''` if there is none. */
  url(): string
  /** The delay is over. */
  reconnect(): void
  /** `retries` has thrown. */
  report(error: NetError): void
}

/** Decides whether and when a client connects again, and waits until then. */
export class Reconnector implements ConnectionRetry<unknown> {
  /** The number of attempts since the last stable connection. */
  attempts = 0
  /** The text for the error once no attempt is left. */
  gave_up: string | undefined
  readonly #settings: ReconnectorSettings
  readonly #platform: ReconnectorPlatform
  readonly #events: ReconnectorEvents
  readonly #random: () => number
  #delay_ms = 0
  /** The part of the delay that the server asked for. */
  #asked_ms = 0
  #earliest_ms = 0
  #opened_ms: number | undefined
  /** Why the last attempt failed. */
  #error: NetError | undefined
  #cancel_wait: CancelTimer | undefined

  /** `random` returns a number from 0 to below 1. */
  constructor(
    settings: ReconnectorSettings,
    platform: ReconnectorPlatform,
    events: ReconnectorEvents,
    random: () => number = Math.random,
  ) {
    this.#settings = settings
    this.#platform = platform
    this.#events = events
    this.#random = random
  }

  /** Returns whether to try again, and settles the delay before that. */
  allows(info: CloseInfo, error: NetError | undefined): boolean {
    const { min_delay, max_delay, max_attempts, read_refusal } = this.#settings
    // The count starts over after a stable connection only, so that a server that accepts and then drops
    // every client is not flooded.
    if (this.#opened_ms !== undefined && this.#now_ms - this.#opened_ms >= max_delay) this.attempts = 0
    this.#opened_ms = undefined
    const is_refused = info.cause === 'refused'
    // Attempts without a network do not count.
    if (is_refused && this.attempts > 0 && this.#platform.is_offline?.(error)) this.attempts -= 1
    const { is_final, delay_ms, spread_ms } = read_refusal?.(error) ?? close_hint(info)
    if (!(this.#retries(info, error) ?? !is_final)) return false
    if (this.attempts >= max_attempts) {
      this.gave_up = `gave up after max_attempts, ${max_attempts}`
      return false
    }
    const bound_ms = this.attempts === 0 ? Math.max(min_delay, spread_ms) : min_delay
    const own_ms = backoff_ms({ min_delay: bound_ms, max_delay }, this.attempts, this.#random())
    this.#asked_ms = Math.min(delay_ms, MAX_REQUESTED_DELAY_MS)
    // A Close asks each client for a delay of its own; a refusal asks all for the same.
    this.#delay_ms = is_refused
      ? Math.min(this.#asked_ms + own_ms, MAX_DELAY_MS)
      : Math.max(this.#asked_ms, own_ms)
    return true
  }

  opened(): void {
    this.#opened_ms = this.#now_ms
  }

  /** Waits no longer after the next end, which this side brings about to connect anew. */
  hurry(): void {
    this.attempts = this.#delay_ms = this.#asked_ms = 0
  }

  /** Reconnects after the delay. */
  lost(_handle: unknown, info: CloseInfo, error: NetError | undefined): void {
    this.#error = error
    this.attempts += 1
    this.#earliest_ms = this.#now_ms + this.#asked_ms
    this.#reconnect_after(this.#delay_ms)
    this.#events.waiting(info, error, this.#delay_ms)
  }

  /** Shortens a wait to up to a second, but not to less than the server asked for. */
  wake(): void {
    if (this.#cancel_wait !== undefined)
      this.#reconnect_after(Math.max(this.#earliest_ms - this.#now_ms, this.#random() * WAKE_JITTER_MS))
  }

  /** Cancels a pending reconnect. */
  stop(): void {
    this.#cancel_wait?.()
    this.#cancel_wait = undefined
  }

  #reconnect_after(delay_ms: number): void {
    this.stop()
    this.#cancel_wait = this.#platform.clock.start_timer(delay_ms, () => {
      // Without a network, the wait goes on until it is woken up.
      if (this.#platform.is_cut_off?.(this.#events.url(), this.#error)) return
      this.stop()
      this.#events.reconnect()
    })
  }

  #retries(info: CloseInfo, error: NetError | undefined): boolean | undefined {
    try {
      const retries: unknown = this.#settings.retries?.(info, error)
      return typeof retries === 'boolean' ? retries : undefined
    } catch (cause) {
      this.#events.report(callback_error('retries', cause))
      return undefined
    }
  }

  get #now_ms(): number {
    return this.#platform.clock.now_ms()
  }
}
