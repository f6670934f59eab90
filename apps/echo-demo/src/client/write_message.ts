import { once } from 'node:events'
import { shown } from '../shared/message_text.js'

/**
 * Writes a message to stdout as a line: unchanged to a pipe or a file, escaped to a terminal. Returns a
 * promise if the buffer of stdout is full.
 */
export function write_message(data: string | Uint8Array): Promise<unknown> | undefined {
  const { stdout } = process
  const line = stdout.isTTY ? shown(data) : data
  const has_room = stdout.write(typeof line === 'string' ? `${line}\n` : Buffer.concat([line, NEW_LINE]))
  // `on_stop` handles errors of stdout.
  return has_room ? undefined : once(stdout, 'drain').catch(() => {})
}

const NEW_LINE = Buffer.from('\n')
