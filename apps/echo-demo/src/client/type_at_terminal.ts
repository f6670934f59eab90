import type { WsClient } from '@bt/net'
import type { SessionOpening } from '@bt/net/session'
import { has_ended_well, how_closed, how_reconnecting, is_over } from '../shared/ending.js'
import { shown } from '../shared/message_text.js'
import { error_line, style } from '../shared/print.js'
import { is_full, send_patiently } from '../shared/send_patiently.js'
import { on_stop } from '../shared/stop.js'
import { how_connected } from './how_connected.js'
import { TypedLine } from './typed_line.js'

const QUIT = '/quit'

/** Sends what is typed, line by line, and shows the messages that come. Resolves to whether all went well. */
export async function type_at_terminal(ws: WsClient<string | Uint8Array>, binary: boolean): Promise<boolean> {
  let all_sent: Promise<unknown> = Promise.resolve()
  const show_error = (error: unknown): void => typed_line.print(error_line(error), process.stderr)
  const typed_line = new TypedLine(process.stdin, process.stdout, {
    on_line: line => {
      if (line === QUIT) typed_line.end()
      else if (line !== '') all_sent = all_sent.then(() => send(line))
    },
    on_end: () => all_sent.then(() => ws.close()),
  })
  const send = async (line: string): Promise<void> => {
    const sent = await send_patiently(ws, binary ? Buffer.from(line) : line)
    if (sent !== true && !is_over(ws)) show_error(sent)
  }
  const show_status = (text: string): void => {
    typed_line.print(`${style.dim(text)}\n`)
    typed_line.show()
  }
  let is_again = false
  ws.on_open((opening?: SessionOpening) => {
    show_status(
      how_connected(ws, is_again, opening) + (is_again ? '' : `; type a line, ${QUIT} or Ctrl-D closes`),
    )
    is_again = true
  })
  ws.on_reconnecting(info => show_status(how_reconnecting(info)))
  ws.on_message(data => typed_line.print(`${style.cyan('<')} ${shown(data)}\n`))
  ws.on_error(error => {
    if (!is_full(error)) show_error(error)
  })
  on_stop(() => ws.close())
  const info = await ws.closed
  typed_line.end()
  if (info.cause !== 'refused') process.stdout.write(`${style.dim(`closed (${how_closed(info)})`)}\n`)
  return has_ended_well(info)
}
