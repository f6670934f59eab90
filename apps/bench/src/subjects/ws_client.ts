import { once } from 'node:events'
import { WebSocket } from 'ws'
import { give_up } from '../process/commands.js'
import { run_client } from './client_subject.js'

run_client({
  open: async (port, listener) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/ws`, { perMessageDeflate: false })
    ws.on('error', give_up)
    // Like in the server, received text stays a Buffer; the client sends a string.
    ws.on('message', () => listener.on_message())
    await once(ws, 'open')
    return {
      send: text => ws.send(text),
      close: () => {
        ws.off('error', give_up).on('error', () => {})
        ws.close()
      },
    }
  },
})
