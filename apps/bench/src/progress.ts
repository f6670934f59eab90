import type { Step } from './bench.js'

/** Tells how far a run is: one line that changes in a terminal, else a line for each round. */
export class Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #started_ms: number = performance.now()
  #last_line = ''

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  tell({ measure, round, rounds, subject, done }: Step): void {
    const which = round === 0 ? 'warming up' : `round ${round} of ${rounds}`
    const percent = `${Math.floor(done * 100)} %`.padStart(5)
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\u001b[K${percent}  ${measure}, ${which}: ${subject}${this.#time_left(done)}`)
      return
    }
    const line = `${measure}, ${which}`
    if (line !== this.#last_line) this.#stream.write(`${percent}  ${line}\n`)
    this.#last_line = line
  }

  /** Makes room for what is printed next. */
  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K')
  }

  #time_left(done: number): string {
    if (done < 0.02) return ''
    const left_s = ((performance.now() - this.#started_ms) / 1000) * (1 / done - 1)
    return left_s < 90 ? `, ${Math.ceil(left_s)} s left` : `, ${Math.ceil(left_s / 60)} min left`
  }
}
