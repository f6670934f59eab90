import type { Control } from '../shared/control.js'

/**
 * The hand at the other end: asks the server, beside the connection, to do something to it. Requests go out one after the other;
 * of those for the same action that wait, the last one counts.
 */
export class Remote {
  readonly #on_failure: (text: string) => void
  readonly #waiting = new Map<Control['action'], Control>()
  #key: string | undefined
  #is_busy = false

  constructor(on_failure: (text: string) => void) {
    this.#on_failure = on_failure
  }

  /** The connection has got a key; `undefined`: it has ended, and nothing can be asked for any more. */
  set_key(key: string | undefined): void {
    this.#key = key
    this.#waiting.clear()
  }

  /** Asks for something. */
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
