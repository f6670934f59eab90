import { type CancelTimer, type Clock, start_peer_timeout } from '@bt/ws-protocol/internal'

/** A broker that answers nothing for this long is given up. */
const ANSWER_WITHIN_MS = 10_000

/** Waits for the answer of a broker, and not for ever. */
export class ReplyTimeout {
  readonly #clock: Clock
  readonly #lost: (error: Error) => void
  #cancel: CancelTimer | undefined

  /** `lost`: told when no answer has come. */
  constructor(clock: Clock, lost: (error: Error) => void) {
    this.#clock = clock
    this.#lost = lost
  }

  /** The broker was asked something. */
  begin(): void {
    this.end()
    this.#cancel = start_peer_timeout(this.#clock, ANSWER_WITHIN_MS, () =>
      this.#lost(new Error(`no answer for ${ANSWER_WITHIN_MS / 1_000} seconds`)),
    )
  }

  /** It has answered, or nobody waits for it any more. */
  end(): void {
    this.#cancel?.()
  }
}
