type Result<Data> = IteratorResult<Data, undefined>

const DONE = { value: undefined, done: true } as const

/**
 * An async iterator over the messages of a client. It takes a message only when the loop asks for one; the
 * others stay in the inbox.
 */
export class MessageIterator<Data> implements AsyncIterator<Data, undefined> {
  /** The `resolve` functions of pending calls of {@link MessageIterator.next}. */
  readonly #requests: ((result: Result<Data> | Promise<never>) => void)[] = []
  readonly #on_leave: () => void
  #demand: (is_asking: boolean) => number
  #end: { readonly error?: Error | undefined } | undefined

  /**
   * `demand` is called with whether the loop is asking for a message; while it is, messages go to
   * {@link MessageIterator.push}, at once or in a later turn of the event loop. It returns the bytes of the
   * messages that still wait. `on_leave` is called if the loop ends early, by `break`, `return` or a throw.
   */
  constructor(demand: (is_asking: boolean) => number, on_leave: () => void) {
    this.#demand = demand
    this.#on_leave = on_leave
  }

  /** Delivers a message, while the loop is asking for one. */
  push(data: Data): void {
    this.#requests.shift()?.({ value: data, done: false })
    if (this.#requests.length === 0) this.#demand(false)
  }

  /** Ends the loop after the waiting messages, by throwing `error` if there is one. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#settle()
  }

  /** Ends the loop at once, because another consumer takes the messages now. */
  stop(): void {
    this.#demand = () => 0
    this.#end = {}
    this.#settle()
  }

  next(): Promise<Result<Data>> {
    return new Promise(resolve => {
      this.#requests.push(resolve)
      this.#settle()
    })
  }

  return(): Promise<Result<Data>> {
    this.stop()
    this.#on_leave()
    return Promise.resolve(DONE)
  }

  /**
   * Resolves the remaining requests once all messages are delivered; the first one rejects with the error, if
   * there is one.
   */
  #settle(): void {
    if (this.#demand(this.#requests.length > 0) || this.#end === undefined) return
    for (const resolve of this.#requests.splice(0)) {
      const { error } = this.#end
      this.#end = {}
      resolve(error === undefined ? DONE : Promise.reject(error))
    }
  }
}
