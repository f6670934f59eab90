/** Decides what is reported, so that each thing is reported once, and at most a fixed number of them: a hostile peer can make up any number. */
export class ReportOnce {
  readonly #most: number
  readonly #reported = new Set<string>()

  /** `most`: how many different things are reported. */
  constructor(most: number) {
    this.#most = most
  }

  /** Whether nothing new is reported any more. */
  get is_full(): boolean {
    return this.#reported.size >= this.#most
  }

  /** Returns whether to report this now, and remembers it. */
  should_report(what: string): boolean {
    if (this.#reported.has(what) || this.is_full) return false
    this.#reported.add(what)
    return true
  }

  /** Lets everything be reported again. */
  reset(): void {
    this.#reported.clear()
  }
}
