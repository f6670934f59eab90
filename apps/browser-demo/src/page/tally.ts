/** What became of a number. */
export type Fate = 'came' | 'missing' | 'twice'

/** Counts numbers that come in order, those that are skipped, and those that come again. */
export class Tally {
  readonly #note: (fate: Fate, times: number) => void
  #next: number | undefined
  #came = 0
  #missing = 0
  #twice = 0

  /** Calls `note` with what became of each number. If `next` is left out, any number may be the first. */
  constructor(note: (fate: Fate, times: number) => void, next?: number) {
    this.#note = note
    this.#next = next
  }

  /** How many numbers came, each counted once. */
  get came(): number {
    return this.#came
  }

  /** How many numbers were skipped. */
  get missing(): number {
    return this.#missing
  }

  /** How often a number came that had come before. */
  get twice(): number {
    return this.#twice
  }

  take(number: number): void {
    const next = this.#next ?? number
    if (number < next) {
      this.#twice += 1
      this.#note('twice', 1)
      return
    }
    const skipped = number - next
    this.#missing += skipped
    if (skipped > 0) this.#note('missing', skipped)
    this.#came += 1
    this.#note('came', 1)
    this.#next = number + 1
  }

  /** Accepts any number as the next one. */
  restart(): void {
    this.#next = undefined
  }
}
