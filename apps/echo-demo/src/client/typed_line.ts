import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

const PROMPT = '> '

/** The callbacks of a {@link TypedLine}. */
export interface TypedLineEvents {
  /** Called for each line that is finished with Enter. */
  readonly on_line: (line: string) => void
  /** Called once, when the input ends: Ctrl-D, Ctrl-C, or {@link TypedLine.end}. */
  readonly on_end: () => void
}

/** An input line with history at the bottom of a terminal; what is printed meanwhile appears above it. */
export class TypedLine {
  readonly #output: Writable
  readonly #readline: Interface
  #state: 'hidden' | 'shown' | 'ended' = 'hidden'

  constructor(input: Readable, output: Writable, { on_line, on_end }: TypedLineEvents) {
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

  /** Shows the prompt. Further calls do nothing. */
  show(): void {
    if (this.#state !== 'hidden') return
    this.#state = 'shown'
    this.#readline.prompt()
  }

  /** Prints `text`, which ends with a line feed, above the input line, and leaves that unchanged. */
  print(text: string, target: Writable = this.#output): void {
    const rows = this.#clear()
    target.write(text)
    if (this.#state !== 'shown') return
    // Before it draws, readline moves up to its first row, so those rows have to exist.
    this.#output.write('\n'.repeat(rows))
    this.#readline.prompt(true)
  }

  /** Removes the input line for good. Further calls do nothing. */
  end(): void {
    this.#readline.close()
  }

  /** Erases the input line from the screen. Returns the index of its row that the cursor was in. */
  #clear(): number {
    if (this.#state !== 'shown') return 0
    const { rows } = this.#readline.getCursorPos()
    moveCursor(this.#output, 0, -rows)
    cursorTo(this.#output, 0)
    clearScreenDown(this.#output)
    return rows
  }
}
