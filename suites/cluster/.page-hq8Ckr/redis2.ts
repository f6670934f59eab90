import { listen } from '@bt/net'
import { redis } from '@bt/ws-cluster-redis'

const server = listen({
  type: 'ws', bind: '127.0.0.1:0',
  cluster: redis({ url: 'redis://127.0.0.1:33923' }),
  on_connect: async socket => { await socket.join('lobby') },
  on_message: (socket, data) => { server.publish('lobby', data, { except: socket }) },
})

export { server }
