/** The columns of a plot: the times, and one list of values for each line. `null` is a gap. */
export type Columns = [number[], ...(number | null)[][]]

/** The last values of several lines, at the same times. */
export class History {
  readonly columns: Columns
  readonly #size: number

  /** Keeps `size` values of each of `lines` lines. */
  constructor(lines: number, size: number) {
    this.#size = size
    this.columns = [[], ...Array.from({ length: lines }, () => [])]
  }

  /** Adds a value for each line. */
  push(at_s: number, ...values: (number | undefined)[]): void {
    const [times, ...lines] = this.columns
    times.push(at_s)
    for (const [i, line] of lines.entries()) line.push(values[i] ?? null)
    if (times.length > this.#size) for (const column of this.columns) column.shift()
  }
}
