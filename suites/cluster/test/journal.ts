/** What has happened, in order; whoever waits for something finds it whether it has happened before or happens later. */
export class Journal<Entry> {
  readonly entries: Entry[] = []
  readonly #waiting = new Set<() => void>()

  add(entry: Entry): void {
    this.entries.push(entry)
    for (const look of [...this.#waiting]) look()
  }

  /** Settles when the entries are as wanted. */
  until(is_enough: (entries: readonly Entry[]) => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        if (!is_enough(this.entries)) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Settles with the first entry from an index on that is of a kind. */
  async first<Wanted extends Entry>(is_wanted: (entry: Entry) => entry is Wanted, from = 0): Promise<Wanted> {
    let at = from
    await this.until(entries => {
      while (at < entries.length && !is_wanted(entries[at] as Entry)) at += 1
      return at < entries.length
    })
    return this.entries[at] as Wanted
  }
}
