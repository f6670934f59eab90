/** Remembers what was told, so that each is told once, and no more than so many are: somebody hostile can think of any number. */
export class ToldOnce {
  readonly #most: number
  readonly #told = new Set<string>()

  /** `most`: how many are told of. */
  constructor(most: number) {
    this.#most = most
  }

  /** Whether no more are told of. */
  get is_full(): boolean {
    return this.#told.size >= this.#most
  }

  /** Whether this is to be told of now. */
  is_news(what: string): boolean {
    if (this.#told.has(what) || this.is_full) return false
    this.#told.add(what)
    return true
  }

  /** All of it may be told of again. */
  forget(): void {
    this.#told.clear()
  }
}
