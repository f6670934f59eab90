import pc from 'picocolors'

type Colors = ReturnType<typeof pc.createColors>

/** Colours for stdout: none if it is no terminal, or if NO_COLOR is set. */
export const style: Colors = colors_for(process.stdout)
const error_style = colors_for(process.stderr)

/** Prints a line to stdout. */
export function say(text: string): void {
  process.stdout.write(`${style.cyan('page')}    ${text}\n`)
}

/** Prints an error to stderr, on one line, with the address of the peer if it is known. */
export function say_error(error: unknown, addr?: string): void {
  const message = error instanceof Error ? error.message : String(error)
  const whose = addr === undefined ? '' : `${addr}: `
  process.stderr.write(`${error_style.red('error:')} ${whose}${visible(message)}\n`)
}

/** Escapes untrusted text so that it can neither redraw a terminal nor reorder the text. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '�')
}

function colors_for(stream: NodeJS.WriteStream): Colors {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true)
}
