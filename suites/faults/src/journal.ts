/** What has happened, in order; whoever waits for something finds it whether it has happened before or happens later. */
export class Journal<Entry> {
  readonly entries: Entry[] = []
  readonly #waiting = new Set<() => void>()

  add(entry: Entry): void {
    this.entries.push(entry)
    for (const look of [...this.#waiting]) look()
  }

  /** Settles with the first entry that is wanted. */
  async first(is_wanted: (entry: Entry) => boolean = () => true): Promise<Entry> {
    let looked_at = 0
    await this.until(entries => {
      while (looked_at < entries.length && !is_wanted(entries[looked_at] as Entry)) looked_at += 1
      return looked_at < entries.length
    })
    return this.entries[looked_at] as Entry
  }

  /** Settles when there are `count` entries. */
  async count(count: number): Promise<readonly Entry[]> {
    await this.until(entries => entries.length >= count)
    return this.entries
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
}
