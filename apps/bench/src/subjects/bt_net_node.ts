import { type ClusterPort, listen, type WsServer, type WsSocket } from '@bt/net'
import { give_up } from './give_up.js'
import { serve_node } from './node_subject.js'
import { MAX_CONNECTIONS, MAX_WAITING_BYTES } from './server_subject.js'

/** More topics than any measure has one socket join. */
const MAX_TOPICS = 1_000_000

let server: WsServer | undefined

serve_node({
  open: async (broker_url, topic_of, members) => {
    const started = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster: await joined_by(broker_url),
      max_queue: MAX_WAITING_BYTES,
      max_connections: MAX_CONNECTIONS,
      max_topics: MAX_TOPICS,
      on_error: give_up,
      on_connect: async socket => {
        await join(socket, topic_of())
        members.joined()
      },
      on_close: () => members.left(),
    })
    await started.opened
    server = started
    return Number(started.addr.split(':')[1])
  },
  join_all: async topics => {
    const [socket] = server?.sockets ?? []
    if (socket === undefined) throw new Error('no socket is there to join')
    await Promise.all(topics.map(topic => join(socket, topic)))
  },
  // To have joined is to be subscribed.
  subscribed: async () => {},
  publish: (topic, text) => {
    const published = server?.publish(topic, text)
    if (published instanceof Error) give_up(published)
  },
})

/** Loads one of the two alone: what the other takes is not what is measured. */
async function joined_by(broker_url: string): Promise<ClusterPort> {
  if (broker_url.startsWith('nats:')) {
    const { nats } = await import('@bt/ws-cluster-nats')
    return nats({ servers: broker_url })
  }
  const { redis } = await import('@bt/ws-cluster-redis')
  return redis({ url: broker_url })
}

async function join(socket: WsSocket, topic: string | undefined): Promise<void> {
  if (topic === undefined) return
  const joined = await socket.join(topic)
  if (joined !== true) give_up(joined)
}
