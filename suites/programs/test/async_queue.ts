/** A queue whose consumer waits for items one by one, in order. */
export class AsyncQueue<T> {
  readonly #items: T[] = []
  readonly #waiting: { resolve(item: T): void; reject(error: Error): void }[] = []
  #failure: Error | undefined

  push(item: T): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#items.push(item)
    else waiting.resolve(item)
  }

  /** Rejects all calls of `next` that no item can satisfy any more. */
  fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
  }

  /** Removes and returns the next item, as soon as there is one. */
  next(): Promise<T> {
    return new Promise((resolve, reject) => {
      const [item] = this.#items
      if (this.#items.length > 0) {
        this.#items.shift()
        resolve(item as T)
      } else if (this.#failure === undefined) this.#waiting.push({ resolve, reject })
      else reject(this.#failure)
    })
  }

  /** Removes and returns the next `count` items. */
  async take(count: number): Promise<T[]> {
    const taken: T[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }
}
