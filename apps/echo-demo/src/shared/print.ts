import cluster from 'node:cluster'
import pc from 'picocolors'
import { visible } from './message_text.js'

type Colors = ReturnType<typeof pc.createColors>

/** Colours for stdout: none if it is no terminal, or if NO_COLOR is set. */
export const style: Colors = colors_for(process.stdout)
const error_style = colors_for(process.stderr)

/** A worker prints its number, because several processes serve one port. */
const SERVER = cluster.worker === undefined ? 'server' : `worker ${cluster.worker.id}`

/** Prints to stdout, on one line, what one side of the conversation does or receives. */
export function say(side: 'server' | 'client', text: string): void {
  const name = side === 'server' ? style.green(SERVER) : style.cyan(side)
  process.stdout.write(`${name}  ${text}\n`)
}

/** Prints an error to stderr, on one line, with the address of the peer if it is known. */
export function say_error(error: unknown, address?: string): void {
  process.stderr.write(error_line(error, address))
}

/** Prints a status line to stderr, so that stdout holds nothing but data. */
export function say_status(text: string): void {
  process.stderr.write(`${error_style.dim(text)}\n`)
}

/** Returns the line that {@link say_error} prints. */
export function error_line(error: unknown, address?: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const source =
    (cluster.worker === undefined ? '' : `${SERVER}: `) + (address === undefined ? '' : `${address}: `)
  return `${error_style.red('error:')} ${source}${visible(message)}\n`
}

function colors_for(stream: NodeJS.WriteStream): Colors {
  return pc.createColors(pc.isColorSupported && stream.isTTY === true)
}
