// A WebSocket as browsers have it, in whichever program.
import { bytes_of, say, say_closed, say_message, text_of } from './commands.mjs'

/** The socket that commands are about: one at a time. */
export let socket

/** Tells what happens to `opening`, and makes it the one that commands are about. */
export function watch(opening) {
  socket = opening
  let is_open = false
  opening.binaryType = 'arraybuffer'
  opening.onopen = () => {
    is_open = true
    say('open', { protocol: opening.protocol })
  }
  opening.onmessage = ({ data }) => say_message(data)
  // What went wrong is told again by `close`.
  opening.onerror = () => {}
  opening.onclose = ({ code, reason }) => {
    if (is_open) say_closed(code, reason)
    else say('refused', { said: `closed with ${code}` })
  }
}

/** What every WebSocket can do. */
export const socket_commands = {
  text: ({ data }) => socket.send(text_of(data)),
  binary: ({ data }) => socket.send(bytes_of(data)),
  close: ({ code, reason }) => socket.close(code, text_of(reason)),
}
