/** What an iterator asks of the client whose messages it hands out. */
export interface MessageSource {
  /** Whether messages wait that nobody has taken. */
  has_waiting(): boolean
  /** Hands waiting messages to {@link MessageIterator.push} while it {@link MessageIterator.is_asking}. */
  deliver(): void
  /** The loop ended early: `break`, `return`, or a throw. */
  left(): void
}

interface Request<Data> {
  resolve(result: IteratorResult<Data, undefined>): void
  reject(error: Error): void
}

const DONE = { value: undefined, done: true } as const

/** The messages of a client as an async iterator. It takes a message only when it is asked for one; the others wait where they are. */
export class MessageIterator<Data> implements AsyncIterator<Data, undefined> {
  readonly #source: MessageSource
  readonly #requests: Request<Data>[] = []
  #end: { readonly error: Error | undefined } | undefined
  #is_stopped = false

  constructor(source: MessageSource) {
    this.#source = source
  }

  /** Whether a loop waits for a message. */
  get is_asking(): boolean {
    return this.#requests.length > 0
  }

  /** Takes a message; only while {@link MessageIterator.is_asking}. */
  push(data: Data): void {
    this.#requests.shift()?.resolve({ value: data, done: false })
  }

  /** The connection has ended; what waits still goes out, and then `error` is thrown, if there is one. */
  end(error: Error | undefined): void {
    this.#end ??= { error }
    this.#settle_at_end()
  }

  /** Somebody else takes the messages from now on: the loop ends here. */
  stop(): void {
    this.#is_stopped = true
    for (const request of this.#requests.splice(0)) request.resolve(DONE)
  }

  next(): Promise<IteratorResult<Data, undefined>> {
    if (this.#is_stopped) return Promise.resolve(DONE)
    return new Promise((resolve, reject) => {
      this.#requests.push({ resolve, reject })
      this.#source.deliver()
      this.#settle_at_end()
    })
  }

  return(): Promise<IteratorResult<Data, undefined>> {
    this.stop()
    this.#source.left()
    return Promise.resolve(DONE)
  }

  #settle_at_end(): void {
    if (this.#end === undefined || !this.is_asking || this.#source.has_waiting()) return
    const { error } = this.#end
    // A loop is told of an error once; asked again, the iterator is simply done.
    this.#end = { error: undefined }
    for (const [index, request] of this.#requests.splice(0).entries()) {
      if (error !== undefined && index === 0) request.reject(error)
      else request.resolve(DONE)
    }
  }
}
