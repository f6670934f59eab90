/** Says things to whoever can't see the page: a sentence for each topic that has changed, all together, and never too often. */
export class Announcer {
  readonly #say: (text: string) => void
  readonly #every_ms: number
  readonly #news = new Map<string, string>()
  readonly #said = new Map<string, string>()
  #last_ms = Number.NEGATIVE_INFINITY

  /** Calls `say` at most every `every_ms`. */
  constructor(say: (text: string) => void, every_ms: number) {
    this.#say = say
    this.#every_ms = every_ms
  }

  /** How a topic stands now. What was said of it last is not said again. */
  tell(topic: string, sentence: string): void {
    if (this.#said.get(topic) === sentence) this.#news.delete(topic)
    else this.#news.set(topic, sentence)
  }

  /** Says what is new, if it is time. */
  tick(now_ms: number): void {
    if (this.#news.size === 0 || now_ms - this.#last_ms < this.#every_ms) return
    this.#last_ms = now_ms
    this.#say([...this.#news.values()].join(' '))
    for (const [topic, sentence] of this.#news) this.#said.set(topic, sentence)
    this.#news.clear()
  }
}
