/** Notices that nothing was heard for a while. */
export class Silence {
  readonly #wait_ms: number
  #last_heard_ms: number = performance.now()

  /** Silence is what lasts for `wait_ms` milliseconds. */
  constructor(wait_ms: number) {
    this.#wait_ms = wait_ms
  }

  /** Something was heard. */
  heard(): void {
    this.#last_heard_ms = performance.now()
  }

  /** Settles when nothing was heard for that long, counted from this call at the earliest. */
  async lasted(): Promise<void> {
    this.heard()
    let left_ms = this.#wait_ms
    do {
      await new Promise(resolve => setTimeout(resolve, left_ms))
      // A process that was held up has a timer that is due and a socket that was not read: read first, then judge.
      await new Promise(resolve => setImmediate(resolve))
      left_ms = this.#last_heard_ms + this.#wait_ms - performance.now()
    } while (left_ms > 0)
  }
}
