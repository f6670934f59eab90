import type { WsClient } from '@bt/net'
import type { SessionOpening } from '@bt/net/session'
import { has_ended_well, how_closed, how_reconnecting, is_over } from '../shared/ending.js'
import { say_error, say_status } from '../shared/print.js'
import { is_full, send_patiently } from '../shared/send_patiently.js'
import { on_stop } from '../shared/stop.js'
import { how_connected } from './how_connected.js'
import { lines_of } from './lines_of.js'
import { quiet, Silence } from './silence.js'
import { write_message } from './write_message.js'

/** The settings of {@link pipe_through}. */
export interface PipeOptions {
  /** Whether to send lines as binary messages. */
  readonly binary: boolean
  /** How long to wait for another message, after the input has ended, before closing. */
  readonly wait_ms: number
}

/**
 * Sends each line of stdin, and prints each message to stdout; if either side is slow, the other waits. After
 * the end of the input it closes as soon as everything is sent and no message has come for a while. Resolves
 * to whether all went well.
 */
export async function pipe_through(
  ws: WsClient<string | Uint8Array>,
  { binary, wait_ms }: PipeOptions,
): Promise<boolean> {
  const silence = new Silence(wait_ms)
  let has_failed = false
  let is_again = false
  ws.on_open((opening?: SessionOpening) => {
    say_status(how_connected(ws, is_again, opening))
    is_again = true
    silence.record_message()
  })
  ws.on_reconnecting(info => say_status(how_reconnecting(info)))
  ws.on_message(data => {
    const written = write_message(data)
    silence.record_message()
    return written
  })
  ws.on_error(error => {
    if (!is_full(error)) say_error(error)
  })
  on_stop(() => ws.close())
  send_lines(ws, binary)
    .then(() => quiet(ws, silence))
    .catch((error: unknown) => {
      // An error that follows from the end of the connection adds nothing to how it ended.
      if (is_over(ws)) return
      has_failed = true
      say_error(error)
    })
    .then(() => ws.close())
  const info = await ws.closed
  process.stdin.destroy()
  if (info.cause !== 'refused') say_status(`closed (${how_closed(info)})`)
  return has_ended_well(info) && !has_failed
}

/** Resolves when every line has gone out; rejects when one never will. */
async function send_lines(ws: WsClient<string | Uint8Array>, binary: boolean): Promise<void> {
  await ws.opened
  // Latin-1 has a character for every byte, so a line of any bytes survives.
  const encoding = binary ? 'latin1' : 'utf8'
  process.stdin.setEncoding(encoding)
  for await (const line of lines_of(process.stdin)) {
    const sent = await send_patiently(ws, binary ? Buffer.from(line, encoding) : line)
    if (sent !== true) throw sent
  }
  await ws.drained()
}
