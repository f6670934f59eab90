/** A signal that is made when somebody asks for it, which few do. */
export class LateSignal {
  #controller: AbortController | undefined
  #reason: unknown

  /** The signal, aborted where it should be already. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Aborts it; `reason` says why. */
  abort(reason: Error): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}
