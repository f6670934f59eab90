/** So many texts are remembered. */
const MOST_TEXTS = 128
/** Texts of so many characters at most are remembered: longer ones are seldom the same. */
const MOST_CHARACTERS = 1_024

/** Shares texts that are the same, where they were met lately, so that who keeps them keeps them once. */
export class RecentTexts {
  readonly #texts = new Map<string, string>()

  /** How many are remembered. */
  get size(): number {
    return this.#texts.size
  }

  /** The same text, as it was met before, if it was. */
  share(text: string): string {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    if (text.length > MOST_CHARACTERS) return text
    this.#texts.set(text, text)
    if (this.#texts.size > MOST_TEXTS) this.#forget_first()
    return text
  }

  /** Whoever keeps it goes on to. */
  #forget_first(): void {
    const [first] = this.#texts.keys()
    if (first !== undefined) this.#texts.delete(first)
  }
}
