import type { Person } from '../shared/message.js'
import { LineList } from './line_list.js'

const MOST_LINES = 100

/** The talk between tabs. */
export class Chat {
  readonly #lines: LineList

  constructor(list: HTMLElement) {
    this.#lines = new LineList(list, MOST_LINES)
  }

  /** Somebody said something. */
  said({ name, color }: Person, text: string): void {
    this.#lines.add({ kind: 'said', lead: name, text, color })
  }

  /** Somebody came or went. */
  note({ name, color }: Person, what: 'joined' | 'left'): void {
    this.#lines.add({ kind: 'note', lead: name, text: what, color })
  }

  /** Shows what was added. */
  flush(): void {
    this.#lines.flush()
  }
}
