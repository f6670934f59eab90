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

/** The longest time for which a server may keep a client away, in milliseconds: an hour. */
const MAX_ASKED_MS = 3_600_000

type ReconnectorPlatform = Pick<Platform, 'clock' | 'is_offline' | 'is_cut_off' | 'watch_online'>

/** What a {@link Reconnector} goes by. */
export interface ReconnectorSettings extends BackoffSettings {
  /** Where it connects to. */
  readonly url: string
  /** Reads what a refusal says about trying again, if the platform reveals it. */
  readonly read_refusal?: ReadRefusal | undefined
}

/** Decides whether and when a client connects again, and waits until then. */
export class Reconnector {
  /** What to say of an end that was not final, when no attempt is left. */
  gave_up: string | undefined
  readonly #settings: ReconnectorSettings
  readonly #platform: ReconnectorPlatform
  readonly #again: () => void
  readonly #backoff: Backoff
  /** How long the server asked to wait when the connection ended. */
  #asked_ms = 0
  #opened_ms: number | undefined
  #stop_waiting: CancelTimer | undefined

  /** `again` connects again; `random`: a number from 0 up to 1, which it never is. */
  constructor(
    settings: ReconnectorSettings,
    platform: ReconnectorPlatform,
    again: () => void,
    random: () => number = Math.random,
  ) {
    this.#settings = settings
    this.#platform = platform
    this.#again = again
    this.#backoff = new Backoff(settings, random)
  }

  /** How many attempts there have been since a connection lasted. */
  get attempts(): number {
    return this.#backoff.attempts
  }

  /** Whether to try again. */
  allows(ending: Ending, error: NetError | undefined): boolean {
    this.#judge_life()
    // An attempt that failed without a network is not counted.
    if (ending.cause === 'refused' && this.#platform.is_offline?.()) this.#backoff.uncount()
    const { is_final, wait_ms } = this.#settings.read_refusal?.(error) ?? close_hint(ending)
    this.#asked_ms = Math.min(wait_ms, MAX_ASKED_MS)
    if (is_final || this.#backoff.may_try) return !is_final
    this.gave_up = `gave up after max_attempts, ${this.attempts}`
    return false
  }

  /** The connection is open. */
  opened(): void {
    this.#opened_ms = this.#platform.clock.now_ms()
  }

  /**
   * Waits after an ending that {@link Reconnector.allows} another attempt, at least as long as the server asked for, and connects again; at once if
   * the network comes back, and not before if there is none, unless it connects to this machine. Returns how long, in milliseconds.
   */
  wait(info: CloseInfo): number {
    const delay_ms = this.#delay_ms(info)
    const again = (): void => {
      this.stop()
      this.#again()
    }
    const cancel_timer = this.#platform.clock.start_timer(delay_ms, () => {
      if (!this.#platform.is_cut_off?.(this.#settings.url)) again()
    })
    const unwatch = this.#platform.watch_online?.(again)
    this.#stop_waiting = () => {
      cancel_timer()
      unwatch?.()
    }
    return delay_ms
  }

  /** Ends a wait. */
  stop(): void {
    this.#stop_waiting?.()
  }

  /** A Close tells each client a wait of its own; a refusal tells the same to all who were turned away together, who must not come back together. */
  #delay_ms({ cause }: CloseInfo): number {
    const own_ms = this.#backoff.next_delay_ms()
    return cause === 'refused'
      ? Math.min(this.#asked_ms + own_ms, MAX_DELAY_MS)
      : Math.max(this.#asked_ms, own_ms)
  }

  /** One that was lost again at once is no success: else a server that takes everybody and keeps nobody would be asked without end. */
  #judge_life(): void {
    const { clock } = this.#platform
    if (this.#opened_ms !== undefined && clock.now_ms() - this.#opened_ms >= this.#settings.max_delay)
      this.#backoff.reset()
    this.#opened_ms = undefined
  }
}
