import type { WsClient } from '@bt/net'

/** Detects that no message has come for a while. */
export class Silence {
  readonly #wait_ms: number
  #last_message_ms: number = performance.now()

  constructor(wait_ms: number) {
    this.#wait_ms = wait_ms
  }

  /** Records that a message came. */
  record_message(): void {
    this.#last_message_ms = performance.now()
  }

  /** Resolves when no message has come for `wait_ms` milliseconds, counted from this call at the earliest. */
  async lasted(): Promise<void> {
    this.record_message()
    let left_ms = this.#wait_ms
    do {
      await new Promise(resolve => setTimeout(resolve, left_ms))
      // After a stall both the timer and unread messages are due: let Node read the socket before checking.
      await new Promise(resolve => setImmediate(resolve))
      left_ms = this.#last_message_ms + this.#wait_ms - performance.now()
    } while (left_ms > 0)
  }
}

/**
 * Resolves when no message comes any more. Silence does not count while stdout is full or while the client
 * reconnects, because messages may be held back then.
 */
export async function quiet(ws: Pick<WsClient, 'state'>, silence: Silence): Promise<void> {
  do await silence.lasted()
  while (process.stdout.writableNeedDrain || ws.state === 'reconnecting')
}
