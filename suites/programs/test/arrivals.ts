/** What arrives one by one, and is waited for one by one, in order. */
export class Arrivals<T> {
  readonly #items: T[] = []
  readonly #wanted: { resolve(item: T): void; reject(error: Error): void }[] = []
  #end: Error | undefined

  /** Takes what has arrived. */
  push(item: T): void {
    const wanted = this.#wanted.shift()
    if (wanted === undefined) this.#items.push(item)
    else wanted.resolve(item)
  }

  /** Nothing arrives any more: whoever still waits is told why. */
  end(error: Error): void {
    this.#end ??= error
    for (const { reject } of this.#wanted.splice(0)) reject(this.#end)
  }

  /** The next, as soon as it is there. */
  next(): Promise<T> {
    return new Promise((resolve, reject) => {
      const [item] = this.#items
      if (this.#items.length > 0) {
        this.#items.shift()
        resolve(item as T)
      } else if (this.#end === undefined) this.#wanted.push({ resolve, reject })
      else reject(this.#end)
    })
  }

  /** The next `count`. */
  async take(count: number): Promise<T[]> {
    const taken: T[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }
}
