import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const PROMPT = '> '

/** Who is told of what is typed. */
export interface TypedLineOptions {
  /** A line was finished with Enter. */
  readonly on_line: (line: string) => void
  /** Nothing more will be typed: Ctrl-D, Ctrl-C, or {@link TypedLine.end}. Called once. */
  readonly on_end: () => void
}

/** A line that somebody is typing, with history, at the bottom of a terminal; what is printed meanwhile appears above it. */
export class TypedLine {
  readonly #output: Writable
  readonly #readline: Interface
  #state: 'hidden' | 'shown' | 'ended' = 'hidden'

  constructor(input: Readable, output: Writable, { on_line, on_end }: TypedLineOptions) {
    this.#output = output
    this.#readline = createInterface({ input, output, prompt: PROMPT, terminal: true })
    this.#readline.on('line', line => {
      this.#state = 'hidden'
      on_line(line)
      this.show()
    })
    this.#readline.once('close', () => {
      this.#clear()
      this.#state = 'ended'
      on_end()
    })
  }

  /** Asks for a line. Twice is fine. */
  show(): void {
    if (this.#state !== 'hidden') return
    this.#state = 'shown'
    this.#readline.prompt()
  }

  /** Prints `text`, which ends with a line feed, above the line, and leaves that as it is. */
  print(text: string, target: Writable = this.#output): void {
    const rows = this.#clear()
    target.write(text)
    if (this.#state !== 'shown') return
    // Before it draws, readline goes up to where its first row was: those rows have to be there.
    this.#output.write('\n'.repeat(rows))
    this.#readline.prompt(true)
  }

  /** Takes the line away; nothing more can be typed. Twice is fine. */
  end(): void {
    this.#readline.close()
  }

  /** Takes the line off the screen. Returns in which of its rows the cursor was. */
  #clear(): number {
    if (this.#state !== 'shown') return 0
    const { rows } = this.#readline.getCursorPos()
    moveCursor(this.#output, 0, -rows)
    cursorTo(this.#output, 0)
    clearScreenDown(this.#output)
    return rows
  }
}
