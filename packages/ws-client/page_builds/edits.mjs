/**
 * Changes to a text that move nothing: what is removed becomes blank, and what replaces it is no longer. So the
 * text's source map stays right.
 */
export class Edits {
  #text

  /** @param {string} text */
  constructor(text) {
    this.#text = text
  }

  get text() {
    return this.#text
  }

  /**
   * @param {number} start
   * @param {number} end
   * @param {string} [replacement]
   */
  replace(start, end, replacement = '') {
    const before = this.#text.slice(start, end)
    if (replacement.length > before.length) throw new Error(`${replacement} is longer than ${before}`)
    const blank = before.slice(replacement.length).replace(/[^\n]/g, ' ')
    this.#text = this.#text.slice(0, start) + replacement + blank + this.#text.slice(end)
  }
}
