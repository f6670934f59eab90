import cluster from 'node:cluster'
import pc from 'picocolors'
import { visible } from './message_text.js'

type Colors = ReturnType<typeof pc.createColors>

/** Colours for stdout: none where it is no terminal, or NO_COLOR is set. */
export const style: Colors = colors_for(process.stdout)
const error_style = colors_for(process.stderr)

/** One of several processes that serve one port says which it is. */
const SERVER = cluster.worker === undefined ? 'server' : `worker ${cluster.worker.id}`

/** Prints what one side of the conversation does or hears, a line on stdout. */
export function say(who: 'server' | 'client', text: string): void {
  const name = who === 'server' ? style.green(SERVER) : style.cyan(who)
  process.stdout.write(`${name}  ${text}\n`)
}

/** Prints what went wrong, and with whom where that is known: one line on stderr. */
export function say_error(error: unknown, address?: string): void {
  process.stderr.write(error_line(error, address))
}

/** Prints how things stand, one line on stderr: beside the data, which is alone on stdout. */
export function say_status(text: string): void {
  process.stderr.write(`${error_style.dim(text)}\n`)
}

/** What went wrong, and with whom where that is known, as one line for stderr. */
export function error_line(error: unknown, address?: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const whose =
    (cluster.worker === undefined ? '' : `${SERVER}: `) + (address === undefined ? '' : `${address}: `)
  return `${error_style.red('error:')} ${whose}${visible(message)}\n`
}

function colors_for(stream: NodeJS.WriteStream): Colors {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true)
}
