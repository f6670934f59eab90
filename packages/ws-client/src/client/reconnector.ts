import type { CloseInfo, NetError } from '@bt/ws-protocol'
import {
  Backoff,
  type BackoffSettings,
  type CancelTimer,
  type Ending,
  MAX_DELAY_MS,
  type Platform,
} from '@bt/ws-protocol/internal'
import { close_hint, type ReadRefusal } from './retry_rule.js'

/** The longest delay that a server may ask for: an hour. */
const MAX_REQUESTED_DELAY_MS = 3_600_000

type ReconnectorPlatform = Pick<Platform, 'clock' | 'is_offline' | 'is_cut_off' | 'watch_online'>

/** The settings of a {@link Reconnector}. */
export interface ReconnectorSettings extends BackoffSettings {
  readonly url: string
  /** Missing on platforms that hide the response of a refused handshake. */
  readonly read_refusal?: ReadRefusal | undefined
}

/** Decides whether and when a client connects again, and waits until then. */
export class Reconnector {
  /** The text for the error once no attempt is left. */
  gave_up: string | undefined
  readonly #settings: ReconnectorSettings
  readonly #platform: ReconnectorPlatform
  readonly #reconnect: () => void
  readonly #backoff: Backoff
  /** The delay that the server asked for when the connection ended. */
  #requested_delay_ms = 0
  #opened_ms: number | undefined
  #cancel_wait: CancelTimer | undefined

  /** `random` returns a number from 0 to below 1. */
  constructor(
    settings: ReconnectorSettings,
    platform: ReconnectorPlatform,
    reconnect: () => void,
    random: () => number = Math.random,
  ) {
    this.#settings = settings
    this.#platform = platform
    this.#reconnect = reconnect
    this.#backoff = new Backoff(settings, random)
  }

  /** The number of attempts since the last stable connection. */
  get attempts(): number {
    return this.#backoff.attempts
  }

  /** Returns whether to try again. */
  allows(ending: Ending, error: NetError | undefined): boolean {
    this.#reset_if_stable()
    // Attempts without a network do not count.
    if (ending.cause === 'refused' && this.#platform.is_offline?.()) this.#backoff.uncount()
    const { is_final, delay_ms } = this.#settings.read_refusal?.(error) ?? close_hint(ending)
    this.#requested_delay_ms = Math.min(delay_ms, MAX_REQUESTED_DELAY_MS)
    if (is_final || this.#backoff.may_try) return !is_final
    this.gave_up = `gave up after max_attempts, ${this.attempts}`
    return false
  }

  opened(): void {
    this.#opened_ms = this.#platform.clock.now_ms()
  }

  /**
   * Reconnects after a delay, which is at least what the server asked for, and returns it in milliseconds. It
   * reconnects as soon as the network comes back, and not before, unless the server is on this machine.
   */
  wait(info: CloseInfo): number {
    const delay_ms = this.#delay_ms(info)
    const reconnect = (): void => {
      this.stop()
      this.#reconnect()
    }
    const cancel_timer = this.#platform.clock.start_timer(delay_ms, () => {
      if (!this.#platform.is_cut_off?.(this.#settings.url)) reconnect()
    })
    const unwatch = this.#platform.watch_online?.(reconnect)
    this.#cancel_wait = () => {
      cancel_timer()
      unwatch?.()
    }
    return delay_ms
  }

  /** Cancels a pending reconnect. */
  stop(): void {
    this.#cancel_wait?.()
  }

  /**
   * Combines our delay with the requested one. A Close has a random delay for each client, while a refusal
   * has the same for all clients, so our random delay is added to it.
   */
  #delay_ms({ cause }: CloseInfo): number {
    const own_ms = this.#backoff.next_delay_ms()
    return cause === 'refused'
      ? Math.min(this.#requested_delay_ms + own_ms, MAX_DELAY_MS)
      : Math.max(this.#requested_delay_ms, own_ms)
  }

  /**
   * Resets the backoff after a stable connection only, so that a server that accepts and then drops every
   * client is not flooded.
   */
  #reset_if_stable(): void {
    const { clock } = this.#platform
    if (this.#opened_ms !== undefined && clock.now_ms() - this.#opened_ms >= this.#settings.max_delay)
      this.#backoff.reset()
    this.#opened_ms = undefined
  }
}
