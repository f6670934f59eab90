import { Writable } from 'node:stream'

/** The terminal output that readline produces: text, line feeds, and a few cursor movements. */
const PART = /\p{Cc}\[(\d*)([A-Z])|[\s\S]/gu

/** A terminal's screen whose content tests can read. */
export class Screen extends Writable {
  readonly isTTY = true
  readonly columns: number
  readonly #cells: string[][] = [[]]
  #row = 0
  #column = 0

  constructor(columns: number) {
    super({ decodeStrings: false })
    this.columns = columns
  }

  /** The rows from the top down, without trailing blanks. */
  get rows(): string[] {
    return this.#cells.map(cells =>
      Array.from(cells, cell => cell ?? ' ')
        .join('')
        .trimEnd(),
    )
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    for (const [part, count, command] of text.matchAll(PART)) {
      if (command !== undefined) this.#run_command(command, Number(count || 1))
      else if (part === '\n') this.#go(this.#row + 1, 0)
      else if (part === '\r') this.#column = 0
      else this.#put(part)
    }
    done()
  }

  #put(letter: string): void {
    if (this.#column === this.columns) this.#go(this.#row + 1, 0)
    const cells = this.#cells[this.#row] as string[]
    cells[this.#column] = letter
    this.#column += 1
  }

  #run_command(command: string, count: number): void {
    if (command === 'A') this.#go(this.#row - count, this.#column)
    else if (command === 'B') this.#go(this.#row + count, this.#column)
    else if (command === 'C') this.#go(this.#row, this.#column + count)
    else if (command === 'D') this.#go(this.#row, this.#column - count)
    else if (command === 'G') this.#go(this.#row, count - 1)
    else if (command === 'J') this.#clear_behind()
    else throw new Error(`the screen does not know ${command}`)
  }

  #clear_behind(): void {
    this.#cells.splice(this.#row + 1)
    this.#cells[this.#row]?.splice(this.#column)
  }

  #go(row: number, column: number): void {
    while (this.#cells.length <= row) this.#cells.push([])
    this.#row = Math.max(0, row)
    this.#column = Math.max(0, column)
  }
}
