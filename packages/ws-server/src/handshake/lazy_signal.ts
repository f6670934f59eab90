/** An `AbortSignal` that is created when it is first read, because few callbacks use it. */
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

  abort(reason: Error): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}
