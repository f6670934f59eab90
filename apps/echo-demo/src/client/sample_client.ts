import { connect } from '@bt/net'
import { how_closed } from '../shared/ending.js'
import { quoted } from '../shared/message_text.js'
import { say, say_error, style } from '../shared/print.js'

/**
 * Runs the sample client, which sends 'hello', prints what it receives, and closes after two messages.
 * Resolves when it has closed.
 */
export async function run_sample_client(url: string): Promise<void> {
  say('client', `I connect to ${style.bold(url)} and say ${quoted('hello')}`)
  const ws = connect({ type: 'ws', url })
  let count = 0
  ws.on_message(data => {
    count += 1
    say('client', `the server says ${quoted(data)}`)
    if (count >= 2) {
      say('client', 'that was two messages: I close')
      ws.close()
    }
  })
  ws.on_close(info => say('client', `closed (${how_closed(info)})`))
  ws.on_error(err => say_error(err))
  ws.send('hello')
  await ws.closed
}
