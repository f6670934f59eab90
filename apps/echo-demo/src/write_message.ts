import { once } from 'node:events'
import { shown } from './message_text.js'

/**
 * Writes a message to stdout as a line of its own: to a pipe or a file as it is, to a terminal without control characters.
 * Returns a promise where stdout has more than it can take just now.
 */
export function write_message(data: string | Uint8Array): Promise<unknown> | undefined {
  const { stdout } = process
  const line = stdout.isTTY ? shown(data) : data
  const has_room = stdout.write(typeof line === 'string' ? `${line}\n` : Buffer.concat([line, NEW_LINE]))
  // A stdout that breaks meanwhile is noticed where the end of the program is decided.
  return has_room ? undefined : once(stdout, 'drain').catch(() => {})
}

const NEW_LINE = Buffer.from('\n')
