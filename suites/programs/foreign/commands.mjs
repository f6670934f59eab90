// What the programs in JavaScript share: commands come as JSON lines on stdin, events go as JSON lines to stdout.
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { createInterface } from 'node:readline'

/** Tells an event to whoever drives this program. */
export function say(event, more = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`)
}

/** Tells a message. */
export function say_message(data) {
  say(typeof data === 'string' ? 'text' : 'binary', { data: packed(data) })
}

/** Tells how a connection ended. */
export function say_closed(code, reason) {
  say('close', { code, reason: packed(reason) })
}

/** The text of what came over stdin. */
export function text_of(data) {
  return Buffer.from(data, 'base64').toString()
}

/** The bytes of what came over stdin, in memory that is theirs alone. */
export function bytes_of(data) {
  return Uint8Array.from(Buffer.from(data, 'base64'))
}

/** Calls what each command names, one after the other, until stdin ends. */
export async function obey(commands) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...command } = JSON.parse(line)
    await commands[name](command)
  }
  process.exit()
}

function packed(data) {
  return Buffer.from(data).toString('base64')
}
