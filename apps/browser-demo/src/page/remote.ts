import type { Control } from '../shared/control.js'

/**
 * Asks the server, outside the WebSocket, to do something to this page's connection. Requests go out one at a
 * time; of waiting requests for the same action, only the last is sent.
 */
export class Remote {
  readonly #on_failure: (text: string) => void
  readonly #waiting = new Map<Control['action'], Control>()
  #key: string | undefined
  #is_busy = false

  constructor(on_failure: (text: string) => void) {
    this.#on_failure = on_failure
  }

  /** Sets the key of the connection; `undefined` when it has ended, after which requests are ignored. */
  set_key(key: string | undefined): void {
    this.#key = key
    this.#waiting.clear()
  }

  ask(control: Control): void {
    if (this.#key === undefined) return
    this.#waiting.set(control.action, control)
    if (!this.#is_busy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#is_busy = true
    for (const [action, control] of this.#waiting) {
      this.#waiting.delete(action)
      const key = this.#key
      if (key !== undefined) await this.#send(JSON.stringify({ ...control, key }))
    }
    this.#is_busy = false
  }

  async #send(body: string): Promise<void> {
    const headers = { 'Content-Type': 'application/json' }
    try {
      const response = await fetch('/control', { method: 'POST', headers, body })
      if (!response.ok) this.#on_failure((await response.text()).trim())
    } catch {
      this.#on_failure('The server of this page does not answer.')
    }
  }
}
