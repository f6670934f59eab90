import type { CancelTimer, Clock } from '@bt/ws-protocol'

/** A broker that answers nothing for two looks is given up. Looks are counted, so that a process that was stopped reads first what came meanwhile. */
const LOOK_EVERY_MS = 5_000
const LOOKS = 2

/** Waits for the answer of a broker, and not for ever. */
export class Patience {
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
    this.#look(LOOKS)
  }

  /** It has answered, or nobody waits for it any more. */
  end(): void {
    this.#cancel?.()
  }

  #look(looks_left: number): void {
    this.#cancel = this.#clock.start_timer(LOOK_EVERY_MS, () => {
      if (looks_left > 1) this.#look(looks_left - 1)
      else this.#lost(new Error(`no answer for ${(LOOKS * LOOK_EVERY_MS) / 1_000} seconds`))
    })
  }
}
