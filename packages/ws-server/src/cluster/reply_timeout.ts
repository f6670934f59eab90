import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'

const REPLY_TIMEOUT_MS = 10_000

/** Limits how long a broker may take to reply. */
export class ReplyTimeout {
  readonly #clock: Clock
  readonly #on_timeout: (error: Error) => void
  #cancel_timer: CancelTimer | undefined

  constructor(clock: Clock, on_timeout: (error: Error) => void) {
    this.#clock = clock
    this.#on_timeout = on_timeout
  }

  /** Starts the timeout anew. */
  start(): void {
    this.cancel()
    this.#cancel_timer = start_peer_timeout(this.#clock, REPLY_TIMEOUT_MS, () =>
      this.#on_timeout(new Error(`no answer for ${REPLY_TIMEOUT_MS / 1_000} seconds`)),
    )
  }

  cancel(): void {
    this.#cancel_timer?.()
  }
}
