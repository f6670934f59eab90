import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter'
import { createClient } from 'redis'
import { Server } from 'socket.io'
import { give_up } from '../process/commands.js'
import { EVENT } from '../wire/message.js'
import { run_node } from './node_subject.js'
import { SOCKET_IO_OPTIONS } from './socket_io_options.js'

// The first argument selects one of its two adapters.
const create = process.argv[2] === 'sharded' ? createShardedAdapter : createAdapter

let io: Server | undefined
let has_subscribed: () => Promise<unknown> = async () => {}

run_node({
  open: async ({ broker_url, topic }, members) => {
    const publisher = createClient({ url: broker_url }).on('error', give_up)
    const subscriber = publisher.duplicate().on('error', give_up)
    await Promise.all([publisher.connect(), subscriber.connect()])
    const http_server = createServer()
    io = new Server(http_server, { ...SOCKET_IO_OPTIONS, adapter: create(publisher, subscriber) })
    // Redis answers in order, so the answer to a PING follows those to all earlier subscriptions.
    has_subscribed = () => subscriber.ping()
    io.on('connection', async socket => {
      await socket.join(topic)
      members.joined()
      socket.on('disconnect', () => members.left())
    })
    await has_subscribed()
    http_server.listen(0, '127.0.0.1')
    await once(http_server, 'listening')
    return (http_server.address() as AddressInfo).port
  },
  subscribed: async () => {
    await has_subscribed()
  },
  publish: (topic, text) => {
    io?.to(topic).emit(EVENT, text)
  },
})
