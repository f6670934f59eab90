type Result<Data> = IteratorResult<Data, undefined>

const DONE = { value: undefined, done: true } as const

/** The messages of a client as an async iterator. It takes a message only when it is asked for one; the others wait where they are. */
export class MessageIterator<Data> implements AsyncIterator<Data, undefined> {
  /** What resolves the promises of {@link MessageIterator.next}. */
  readonly #requests: ((result: Result<Data> | Promise<never>) => void)[] = []
  readonly #left: () => void
  #deliver: () => number
  #end: { readonly error?: Error | undefined } | undefined

  /**
   * `deliver` hands a waiting message to {@link MessageIterator.push} while it {@link MessageIterator.is_asking}, at once or in a later turn of the
   * event loop, and returns the bytes of the messages that still wait; `left` is told that the loop ended early: `break`, `return`, or a throw.
   */
  constructor(deliver: () => number, left: () => void) {
    this.#deliver = deliver
    this.#left = left
  }

  /** Whether a loop waits for a message. */
  get is_asking(): boolean {
    return this.#requests.length > 0
  }

  /** Takes a message; only while {@link MessageIterator.is_asking}. */
  push(data: Data): void {
    this.#requests.shift()?.({ value: data, done: false })
  }

  /** The connection has ended; what waits still goes out, and then `error` is thrown, if there is one. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#settle()
  }

  /** Somebody else takes the messages from now on: the loop ends here. */
  stop(): void {
    this.#deliver = () => 0
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
    if (this.#deliver() || this.#end === undefined) return
    for (const resolve of this.#requests.splice(0)) {
      const { error } = this.#end
      this.#end = {}
      resolve(error === undefined ? DONE : Promise.reject(error))
    }
  }
}
