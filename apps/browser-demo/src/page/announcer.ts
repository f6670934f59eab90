/**
 * Announces changes to screen readers: one sentence for each topic that has changed, together and at a
 * limited rate.
 */
export class Announcer {
  readonly #say: (text: string) => void
  readonly #every_ms: number
  readonly #pending = new Map<string, string>()
  readonly #announced = new Map<string, string>()
  #last_ms = Number.NEGATIVE_INFINITY

  /** Calls `say` at most every `every_ms`. */
  constructor(say: (text: string) => void, every_ms: number) {
    this.#say = say
    this.#every_ms = every_ms
  }

  /** Sets the sentence of a topic. A sentence is not announced twice in a row. */
  set_sentence(topic: string, sentence: string): void {
    if (this.#announced.get(topic) === sentence) this.#pending.delete(topic)
    else this.#pending.set(topic, sentence)
  }

  /** Announces the new sentences, if the interval has passed. */
  tick(now_ms: number): void {
    if (this.#pending.size === 0 || now_ms - this.#last_ms < this.#every_ms) return
    this.#last_ms = now_ms
    this.#say([...this.#pending.values()].join(' '))
    for (const [topic, sentence] of this.#pending) this.#announced.set(topic, sentence)
    this.#pending.clear()
  }
}
