import type { Spread } from '../statistics.js'

/** A table: the first column names the rows. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** One line of a table. */
export interface Row {
  readonly name: string
  readonly cells: readonly string[]
}

/** Formats a table as Markdown, with right-aligned cells. */
export function markdown_of({ title, columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [
    `${title}:`,
    '',
    line(['', ...columns]),
    `|---|${columns.map(() => '--:|').join('')}`,
    ...rows.map(({ name, cells }) => line([name, ...cells])),
  ].join('\n')
}

/** Formats a table as plain text, in columns. */
export function text_of({ title, columns, rows }: Table): string {
  const lines = [['', ...columns], ...rows.map(({ name, cells }) => [name, ...cells])]
  const widths = ['', ...columns].map((_, column) =>
    Math.max(...lines.map(cells => (cells[column] as string).length)),
  )
  const shown_lines = lines.map(cells =>
    cells.map((cell, column) =>
      (column === 0 ? cell.padEnd : cell.padStart).call(cell, widths[column] as number),
    ),
  )
  return [title, ...shown_lines.map(cells => `  ${cells.join('  ').trimEnd()}`)].join('\n')
}

/** Returns the text of a cell, which shows a dash if nothing was measured. */
export function cell_of<Value>(value: Value | undefined, text: (value: Value) => string): string {
  return value === undefined ? '–' : text(value)
}

/** Formats a figure with three significant digits. */
export function shown(value: number): string {
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return value.toFixed(size >= 10 ? 1 : size >= 1 ? 2 : 3)
}

/** Formats a ratio with as many digits as are needed to distinguish it from 1. */
export function shown_ratio(ratio: number): string {
  return ratio.toFixed(Math.abs(ratio) < 0.1 ? 3 : 2)
}

/** Formats a ratio with its spread: `0.22 (0.20–0.25)`. */
export function shown_spread({ median, least, most }: Spread): string {
  return `${shown_ratio(median)} (${shown_ratio(least)}–${shown_ratio(most)})`
}
