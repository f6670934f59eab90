/** An `AbortSignal` that is made when it is first read, which is rare. */
export class LazySignal {
  #controller: AbortController | undefined
  #reason: unknown

  /** The signal, aborted already if {@link LazySignal.abort} was called. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** Aborts the signal with that reason. */
  abort(reason: Error): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}
