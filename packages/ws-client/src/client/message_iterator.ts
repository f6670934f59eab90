type Result<Data> = IteratorResult<Data, undefined>

const DONE = { value: undefined, done: true } as const

/** The messages of a client as an async iterator. It takes a message only when it is asked for one; the others wait where they are. */
export class MessageIterator<Data> implements AsyncIterator<Data, undefined> {
  /** What resolves the promises of {@link MessageIterator.next}. */
  readonly #requests: ((result: Result<Data> | Promise<never>) => void)[] = []
  readonly #left: () => void
  #demand: (is_asking: boolean) => number
  #end: { readonly error?: Error | undefined } | undefined

  /**
   * `demand` is called with whether the loop is asking for a message; while it is, messages go to {@link MessageIterator.push}, at once or in a later
   * turn of the event loop. It returns the bytes of the messages that still wait. `left` is called if the loop ends early: `break`, `return`, or a throw.
   */
  constructor(demand: (is_asking: boolean) => number, left: () => void) {
    this.#demand = demand
    this.#left = left
  }

  /** Takes a message; only while the loop is asking for one. */
  push(data: Data): void {
    this.#requests.shift()?.({ value: data, done: false })
    if (this.#requests.length === 0) this.#demand(false)
  }

  /** The connection has ended; what waits still goes out, and then `error` is thrown, if there is one. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#settle()
  }

  /** Somebody else takes the messages from now on: the loop ends here. */
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
    this.#left()
    return Promise.resolve(DONE)
  }

  /** Whoever asks still, though everything that waited was handed out, is told of the end, and the first of the error. */
  #settle(): void {
    if (this.#demand(this.#requests.length > 0) || this.#end === undefined) return
    for (const resolve of this.#requests.splice(0)) {
      const { error } = this.#end
      this.#end = {}
      resolve(error === undefined ? DONE : Promise.reject(error))
    }
  }
}
