// The interface of the JavaScript programs to a test: commands are JSON lines on stdin, events are JSON lines
// on stdout, and messages in them are base64.
import { Buffer } from 'node:buffer'
import process from 'node:process'
import { createInterface } from 'node:readline'

/** Reports an event to the test. */
export function report(event, details = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...details })}\n`)
}

export function report_message(data) {
  report(typeof data === 'string' ? 'text' : 'binary', { data: encode(data) })
}

export function report_close(code, reason) {
  report('close', { code, reason: encode(reason) })
}

/** Decodes a text in a command. */
export function decode_text(data) {
  return Buffer.from(data, 'base64').toString()
}

/** Decodes bytes in a command, into memory that nothing else uses. */
export function decode_bytes(data) {
  return Uint8Array.from(Buffer.from(data, 'base64'))
}

/** Runs the handler of each command, one after another, and exits when stdin ends. */
export async function run_commands(handlers) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...details } = JSON.parse(line)
    await handlers[command](details)
  }
  process.exit()
}

function encode(data) {
  return Buffer.from(data).toString('base64')
}
