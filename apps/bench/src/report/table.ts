/** A table: the first column names the rows. */
export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** What stands in one line of a table. */
export interface Row {
  readonly name: string
  readonly cells: readonly string[]
}

/** As Markdown, numbers to the right. */
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

/** As plain text, in columns. */
export function text_of({ title, columns, rows }: Table): string {
  const lines = [['', ...columns], ...rows.map(({ name, cells }) => [name, ...cells])]
  const widths = ['', ...columns].map((_, column) =>
    Math.max(...lines.map(cells => (cells[column] as string).length)),
  )
  const shown = lines.map(cells =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  '),
  )
  return [title, ...shown.map(text => `  ${text.trimEnd()}`)].join('\n')
}
