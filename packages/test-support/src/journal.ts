/** An ordered log of events. Waiting for an entry also finds one that was added before. */
export class Journal<Entry> {
  readonly entries: Entry[] = []
  readonly #checks = new Set<() => void>()

  add(entry: Entry): void {
    this.entries.push(entry)
    for (const check of [...this.#checks]) check()
  }

  /** Resolves when the entries satisfy a condition. */
  until(is_enough: (entries: readonly Entry[]) => boolean): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!is_enough(this.entries)) return
        this.#checks.delete(check)
        resolve()
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Resolves with the first matching entry at or after the index `from`. */
  first<Wanted extends Entry>(is_wanted: (entry: Entry) => entry is Wanted, from?: number): Promise<Wanted>
  first(is_wanted?: (entry: Entry) => boolean, from?: number): Promise<Entry>
  async first(is_wanted: (entry: Entry) => boolean = () => true, from = 0): Promise<Entry> {
    let at = from
    await this.until(entries => {
      while (at < entries.length && !is_wanted(entries[at] as Entry)) at += 1
      return at < entries.length
    })
    return this.entries[at] as Entry
  }

  /** Resolves with all entries when there are at least `count`. */
  async count(count: number): Promise<readonly Entry[]> {
    await this.until(entries => entries.length >= count)
    return this.entries
  }
}
