import {
  Backoff,
  type BackoffSettings,
  type CancelTimer,
  type CloseInfo,
  type Ending,
  type NetError,
  type Platform,
} from '@bt/ws-protocol'
import { MAX_DELAY_MS } from './options.js'
import { is_final, retry_hint_ms } from './retry_rule.js'

/** Decides whether and when a client connects again, and waits until then. */
export class Reconnector {
  readonly #settings: BackoffSettings
  readonly #platform: Pick<Platform<never>, 'clock' | 'watch_online'>
  readonly #again: () => void
  readonly #backoff: Backoff
  #opened_ms: number | undefined
  #stop_waiting: CancelTimer | undefined

  /** `again` connects again; `random`: a number from 0 up to 1, which it never is. */
  constructor(
    settings: BackoffSettings,
    platform: Pick<Platform<never>, 'clock' | 'watch_online'>,
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
    return this.#backoff.may_try && !is_final(ending, error)
  }

  /** The connection is open. */
  opened(): void {
    this.#opened_ms = this.#platform.clock.now_ms()
  }

  /** Waits, at least as long as the server asked for, and connects again; at once where the network comes back. Returns how long, in milliseconds. */
  wait(info: CloseInfo, error: NetError | undefined): number {
    const delay_ms = this.#delay_ms(info, error)
    const again = (): void => {
      this.stop()
      this.#again()
    }
    const cancel_timer = this.#platform.clock.start_timer(delay_ms, again)
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
  #delay_ms(info: CloseInfo, error: NetError | undefined): number {
    const own_ms = this.#backoff.next_delay_ms()
    const hint_ms = retry_hint_ms(info, error)
    return info.cause === 'refused' ? Math.min(hint_ms + own_ms, MAX_DELAY_MS) : Math.max(hint_ms, own_ms)
  }

  /** One that was lost again at once is no success: else a server that takes everybody and keeps nobody would be asked without end. */
  #judge_life(): void {
    const { clock } = this.#platform
    if (this.#opened_ms !== undefined && clock.now_ms() - this.#opened_ms >= this.#settings.max_delay)
      this.#backoff.reset()
    this.#opened_ms = undefined
  }
}
