import { set_data } from './element.js'
import type { Fate } from './tally.js'

const CELLS = 60

/** Shows what became of the last numbers, one cell each, from left to right and then from the left again. */
export class Strip {
  readonly #cells: readonly HTMLElement[]
  #next = 0

  constructor(target: HTMLElement) {
    this.#cells = Array.from({ length: CELLS }, () => document.createElement('span'))
    target.replaceChildren(...this.#cells)
  }

  /** Shows the fate of one number, or of several. */
  put(fate: Fate, times: number): void {
    for (let i = 0; i < Math.min(times, CELLS); i += 1) this.#put(fate)
    // An empty cell separates the last number from the oldest one.
    this.#set('')
  }

  clear(): void {
    for (const cell of this.#cells) set_data(cell, 'kind', '')
    this.#next = 0
  }

  #put(fate: Fate): void {
    this.#set(fate)
    this.#next = (this.#next + 1) % CELLS
  }

  #set(kind: Fate | ''): void {
    const cell = this.#cells[this.#next]
    if (cell !== undefined) set_data(cell, 'kind', kind)
  }
}
