import { type ClusterPort, listen, type WsServer } from '@bt/net'
import { give_up } from '../process/commands.js'
import { run_node } from './node_subject.js'
import { MAX_CONNECTIONS, MAX_QUEUE_BYTES } from './server_subject.js'

let server: WsServer | undefined

run_node({
  open: async ({ broker_url, topic }, members) => {
    server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster: await cluster_of(broker_url),
      max_queue: MAX_QUEUE_BYTES,
      max_connections: MAX_CONNECTIONS,
      on_error: give_up,
      on_connect: async socket => {
        const joined = await socket.join(topic)
        if (joined !== true) give_up(joined)
        members.joined()
      },
      on_close: () => members.left(),
    })
    await server.opened
    return Number(server.addr.split(':')[1])
  },
  // `join` resolves when the node has subscribed.
  subscribed: async () => {},
  publish: (topic, text) => {
    const published = server?.publish(topic, text)
    if (published instanceof Error) give_up(published)
  },
})

/** Loads only the package of the broker, because the other one would take memory and time. */
async function cluster_of(broker_url: string): Promise<ClusterPort> {
  if (broker_url.startsWith('nats:')) {
    const { nats } = await import('@bt/ws-cluster-nats')
    return nats({ servers: broker_url })
  }
  const { redis } = await import('@bt/ws-cluster-redis')
  return redis({ url: broker_url })
}
