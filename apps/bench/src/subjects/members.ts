/** Counts who is in, for those who wait for that. */
export class Members {
  #count = 0
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  joined(): void {
    this.#change(1)
  }

  left(): void {
    this.#change(-1)
  }

  /** Settles when there are so many. */
  async reach(count: number): Promise<void> {
    if (this.#count !== count) await new Promise<void>(resolve => this.#waiting.push({ count, resolve }))
  }

  #change(by: number): void {
    this.#count += by
    for (const { count, resolve } of this.#waiting) if (count === this.#count) resolve()
    this.#waiting = this.#waiting.filter(({ count }) => count !== this.#count)
  }
}
