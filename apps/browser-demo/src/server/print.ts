import pc from 'picocolors'

type Colors = ReturnType<typeof pc.createColors>

/** Colours for stdout: none where it is no terminal, or NO_COLOR is set. */
export const style: Colors = colors_for(process.stdout)
const error_style = colors_for(process.stderr)

/** Prints where the page is, or what its server does or hears: a line on stdout. */
export function say(text: string): void {
  process.stdout.write(`${style.cyan('page')}    ${text}\n`)
}

/** Prints what went wrong, and with whom where that is known: one line on stderr. */
export function say_error(error: unknown, addr?: string): void {
  const message = error instanceof Error ? error.message : String(error)
  const whose = addr === undefined ? '' : `${addr}: `
  process.stderr.write(`${error_style.red('error:')} ${whose}${visible(message)}\n`)
}

/** Text that may come from anybody, without characters that redraw a terminal, or show the text in another order. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')
}

function colors_for(stream: NodeJS.WriteStream): Colors {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true)
}
