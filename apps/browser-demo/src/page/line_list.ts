/** A line of a {@link LineList}. */
export interface Line {
  /** Its kind, as a class of its element. */
  readonly kind: string
  /** Small text before it. */
  readonly lead: string
  readonly text: string
  /** The index of a person's colour. */
  readonly color?: number
  /** If the previous line has the same key, this line replaces it. */
  readonly replaces?: string
}

const LONGEST_SHOWN = 300

/**
 * A list of the last lines. Lines that come between two frames are rendered together, and excess ones never.
 */
export class LineList {
  readonly #list: HTMLElement
  readonly #most: number
  #waiting: Line[] = []
  #last: { readonly item: HTMLElement; readonly replaces: string | undefined } | undefined

  /** Shows at most `most` lines. */
  constructor(list: HTMLElement, most: number) {
    this.#list = list
    this.#most = most
  }

  /** Adds a line, which is rendered with the next frame. */
  add(line: Line): void {
    this.#waiting.push(line)
    if (this.#waiting.length > this.#most) this.#waiting.shift()
  }

  /** Renders the lines that were added. A list that was scrolled up keeps its position. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const list = this.#list
    const is_at_end = list.scrollHeight - list.scrollTop - list.clientHeight < 40
    for (const line of this.#waiting) this.#show(line)
    this.#waiting = []
    while (list.childElementCount > this.#most) list.firstElementChild?.remove()
    if (is_at_end) list.scrollTop = list.scrollHeight
  }

  #show(line: Line): void {
    const item = item_of(line)
    if (line.replaces !== undefined && line.replaces === this.#last?.replaces)
      this.#last.item.replaceWith(item)
    else this.#list.append(item)
    this.#last = { item, replaces: line.replaces }
  }
}

function item_of({ kind, lead, text, color }: Line): HTMLElement {
  const item = document.createElement('li')
  item.className = kind
  if (color !== undefined) item.dataset.color = String(color)
  const small = document.createElement('span')
  small.className = 'lead'
  small.textContent = lead
  const shown =
    text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}… (${text.length} characters)` : text
  item.append(small, ' ', shown)
  return item
}
