/** Splits a text that comes in pieces into lines, without their LF or CR LF, which the last line may lack. */
export async function* lines_of(pieces: AsyncIterable<string>): AsyncGenerator<string, void> {
  let rest = ''
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield without_cr(line)
  }
  if (rest !== '') yield without_cr(rest)
}

function without_cr(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}
