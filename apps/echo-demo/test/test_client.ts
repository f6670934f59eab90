import { connect, type WsClient } from '@bt/net'
import { onTestFinished } from 'vitest'

const RECONNECT = { min_delay: 5, max_delay: 50 }

/** A reconnecting client in the process of the test; it is closed at the end of the test. */
export class TestClient {
  readonly ws: WsClient
  /** The received messages, in order. */
  readonly received: string[] = []
  readonly #checks = new Set<() => void>()

  constructor(url: string) {
    this.ws = connect({ type: 'ws', url, reconnect: RECONNECT, on_error: () => {} })
    this.ws.on_message(data => {
      this.received.push(data)
      for (const check of this.#checks) check()
    })
    onTestFinished(() => void this.ws.close())
  }

  /** Resolves when the message has been received at least `times` times. */
  receives(message: string, times = 1): Promise<void> {
    return this.#until(() => this.received.filter(each => each === message).length >= times)
  }

  /** Resolves when at least `count` messages have been received. */
  receives_count(count: number): Promise<void> {
    return this.#until(() => this.received.length >= count)
  }

  #until(is_seen: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!is_seen()) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }
}
