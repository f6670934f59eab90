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
  // The message may hold what somebody sent: control characters could redraw the terminal.
  process.stderr.write(`${error_style.red('error:')} ${whose}${message.replaceAll(/\p{Cc}/gu, '�')}\n`)
}

function colors_for(stream: NodeJS.WriteStream): Colors {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true)
}
