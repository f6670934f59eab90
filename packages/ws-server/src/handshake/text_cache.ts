/** So many are remembered. */
const MOST_TEXTS = 128
/** Texts of so many characters at most are remembered: longer ones are seldom the same. */
const MOST_CHARACTERS = 1_024

/** Remembers what was made of the texts that were met lately, of characters up to U+00FF as in headers: most clients send what others did. */
export class TextCache<Made> {
  readonly #make: (text: string) => Made
  readonly #made = new Map<string, Made>()

  /** `make` makes the same of the same text every time. */
  constructor(make: (text: string) => Made) {
    this.#make = make
  }

  /** How many are remembered. */
  get size(): number {
    return this.#made.size
  }

  /** What is made of a text; nothing is remembered of one that nothing is made of. */
  of(text: string): Made {
    const known = this.#made.get(text)
    if (known !== undefined) return known
    const made = this.#make(text)
    if (made !== undefined && text.length <= MOST_CHARACTERS) this.#remember(text, made)
    return made
  }

  #remember(text: string, made: Made): void {
    if (this.#made.size >= MOST_TEXTS) {
      const [first] = this.#made.keys()
      if (first !== undefined) this.#made.delete(first)
    }
    // A copy, since a part of a longer text would keep all of it alive.
    this.#made.set(Buffer.from(text, 'latin1').toString('latin1'), made)
  }
}
