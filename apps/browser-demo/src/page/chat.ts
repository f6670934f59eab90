import type { Person } from '../shared/message.js'
import { LineList } from './line_list.js'

const MOST_LINES = 100

/** The chat between tabs. */
export class Chat {
  readonly #lines: LineList

  constructor(list: HTMLElement) {
    this.#lines = new LineList(list, MOST_LINES)
  }

  add_message({ name, color }: Person, text: string): void {
    this.#lines.add({ kind: 'said', lead: name, text, color })
  }

  note({ name, color }: Person, what: 'joined' | 'left'): void {
    this.#lines.add({ kind: 'note', lead: name, text: what, color })
  }

  /** Renders the lines that were added. */
  flush(): void {
    this.#lines.flush()
  }
}
