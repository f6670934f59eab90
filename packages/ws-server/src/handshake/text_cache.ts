const MAX_TEXTS = 128
/** Longer texts are not cached, because they are rarely the same for several clients. */
const MAX_CHARACTERS = 1_024

/**
 * Caches the results of a pure function for texts of headers, which are often the same for many clients and
 * contain only Latin-1.
 */
export class TextCache<Result> {
  readonly #compute: (text: string) => Result
  readonly #results = new Map<string, Result>()

  constructor(compute: (text: string) => Result) {
    this.#compute = compute
  }

  /** The number of cached results. */
  get size(): number {
    return this.#results.size
  }

  /** Returns the result for a text. `undefined` is not cached. */
  of(text: string): Result {
    const cached = this.#results.get(text)
    if (cached !== undefined) return cached
    const result = this.#compute(text)
    if (result !== undefined && text.length <= MAX_CHARACTERS) this.#add(text, result)
    return result
  }

  #add(text: string, result: Result): void {
    if (this.#results.size >= MAX_TEXTS) {
      const [first] = this.#results.keys()
      if (first !== undefined) this.#results.delete(first)
    }
    // V8 would keep a longer text alive for a slice of it, so the key is copied.
    this.#results.set(Buffer.from(text, 'latin1').toString('latin1'), result)
  }
}
