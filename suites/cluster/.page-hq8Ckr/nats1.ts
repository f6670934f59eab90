import { listen } from '@bt/net'
import { nats } from '@bt/ws-cluster-nats'

const server = listen({
  type: 'ws', bind: '127.0.0.1:0',
  cluster: nats({ servers: 'nats://127.0.0.1:39047' }),
  on_connect: async socket => {
    await socket.join('lobby')
    socket.send('you are in the lobby')
  },
  on_message: (socket, data) => { server.publish('lobby', data, { except: socket }) },
  on_error: err => console.error(err.code, err.message),
})

export { server }
