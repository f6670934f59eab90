// Runs commands on a socket with the browsers' WebSocket interface, which several runtimes offer.
import { decode_bytes, decode_text, report, report_close, report_message } from './commands.mjs'

/** The current socket, which commands refer to. */
export let socket

/** Makes `new_socket` the current socket, and reports its events. */
export function attach(new_socket) {
  socket = new_socket
  let is_open = false
  new_socket.binaryType = 'arraybuffer'
  new_socket.onopen = () => {
    is_open = true
    report('open', { protocol: new_socket.protocol })
  }
  new_socket.onmessage = ({ data }) => report_message(data)
  // A close event follows each error.
  new_socket.onerror = () => {}
  new_socket.onclose = ({ code, reason }) => {
    if (is_open) report_close(code, reason)
    else report('refused', { error: `closed with ${code}` })
  }
}

/** The commands that every WebSocket supports. */
export const socket_commands = {
  text: ({ data }) => socket.send(decode_text(data)),
  binary: ({ data }) => socket.send(decode_bytes(data)),
  close: ({ code, reason }) => socket.close(code, decode_text(reason)),
}
