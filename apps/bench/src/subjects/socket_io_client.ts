import { io } from 'socket.io-client'
import { give_up } from '../process/commands.js'
import { EVENT } from '../wire/message.js'
import { run_client } from './client_subject.js'

run_client({
  open: async (port, listener) => {
    const socket = io(`http://127.0.0.1:${port}`, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    })
    socket.on('connect_error', give_up)
    socket.on(EVENT, () => listener.on_message())
    await new Promise<void>(resolve => socket.once('connect', resolve))
    return { send: text => socket.emit(EVENT, text), close: () => socket.disconnect() }
  },
})
