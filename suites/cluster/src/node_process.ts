// One server of a cluster in a process of its own: `node node_process.js OPTIONS`, with a JSON; all else goes over the channel of `fork`.
import { setImmediate } from 'node:timers/promises'
import { type ClusterPort, listen, type WsSocket } from '@bt/net'
import { type NodeOptions, type Order, type Published, type Told, write_numbered } from './words.js'

const { name, kind, url, max_cluster_queue } = JSON.parse(process.argv[2] ?? '') as NodeOptions
// Only the client that is needed: many of these programs are started.
const cluster: ClusterPort =
  kind === 'nats'
    ? (await import('@bt/ws-cluster-nats')).nats({ servers: url })
    : (await import('@bt/ws-cluster-redis')).redis({ url })

let number = 0
let stream: { topic: string; messages: Published[]; timer: NodeJS.Timeout } | undefined

const server = listen({
  type: 'ws',
  bind: '127.0.0.1:0',
  cluster,
  max_cluster_queue,
  max_topics: 100_000,
  max_queue: 64 * 1_048_576,
  on_connect: async socket => {
    const topics = socket.request.query.get('topics')
    if (topics !== null) await answer(socket, `join ${topics}`)
  },
  on_message: (socket, text) => answer(socket, text),
  on_error: ({ code, message }) => tell({ event: 'error', code, message, at_ms: Date.now() }),
})
// A test that has ended leaves nobody behind.
process.on('disconnect', () => process.exit())
process.on('message', order => obey(order as Order))
await server.opened
tell({ event: 'listening', addr: server.addr })

/** Does what a socket asks for: `join a,b`, `leave a,b`, `say TOPIC TEXT` to the others; and tells it when that is done. */
async function answer(socket: WsSocket, text: string): Promise<void> {
  const [, verb = '', rest = ''] = /^(\w+) (.*)$/s.exec(text) ?? []
  if (verb === 'join') {
    const results = await Promise.all(rest.split(',').map(topic => socket.join(topic)))
    const codes = new Set(results.map(result => (result === true ? 'joined' : result.code)))
    socket.send(`${[...codes].join(' ')}: ${rest.length > 80 ? results.length : rest}`)
  } else if (verb === 'leave') {
    for (const topic of rest.split(',')) socket.leave(topic)
    socket.send(`left: ${rest}`)
  } else if (verb === 'say') {
    const [topic = '', ...words] = rest.split(' ')
    server.publish(topic, words.join(' '), { except: socket })
  }
}

function obey(order: Order): void {
  switch (order.do) {
    case 'publish': {
      const { topic, count, size } = order
      tell({ event: 'published', topic, messages: Array.from({ length: count }, () => publish(topic, size)) })
      return
    }
    case 'publish_to_each': {
      const topics = Array.from({ length: order.topics }, (_, i) => `t${i}`)
      tell({ event: 'published', topic: '', messages: topics.map(topic => publish(topic, 0)) })
      return
    }
    case 'stream': {
      const { topic, size, every_ms } = order
      const messages: Published[] = []
      stream = { topic, messages, timer: setInterval(() => messages.push(publish(topic, size)), every_ms) }
      return
    }
    case 'stop_stream':
      if (stream === undefined) return
      clearInterval(stream.timer)
      tell({ event: 'published', topic: stream.topic, messages: stream.messages })
      stream = undefined
      return
    case 'broadcast':
      number += 1
      server.broadcast(write_numbered({ from: name, number }, 0), { cluster: true })
      return
    case 'tell_stats': {
      const { cluster: stats } = server.stats()
      if (stats !== undefined) tell({ event: 'stats', stats, nodes: server.nodes() })
      return
    }
    case 'churn':
      churn(order.topics, order.times)
      return
    case 'close':
      server.close()
      server.closed.then(() => tell({ event: 'closed' }))
  }
}

async function churn(topics: number, times: number): Promise<void> {
  const [socket] = server.sockets
  const heap_bytes = [heap()]
  for (let half = 0; half < 2; half += 1) {
    for (let done = 0; done < times / 4; done += 1) {
      const topic = `t${done % topics}`
      socket?.join(topic)
      // A while later, so that it has been subscribed to as a rule.
      socket?.leave(`t${(done + topics / 2) % topics}`)
      if (done % 500 === 0) await setImmediate()
    }
    for (const topic of socket?.topics ?? []) socket?.leave(topic)
    // What is joined last stands when all before it has been done.
    await socket?.join('last')
    socket?.leave('last')
    await setImmediate()
    heap_bytes.push(heap())
  }
  tell({ event: 'churned', heap_bytes })
}

/** Bytes of the heap that are in use, without garbage. */
function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

function publish(topic: string, size: number): Published {
  number += 1
  const result = server.publish(topic, write_numbered({ from: name, number }, size))
  return { number, at_ms: Date.now(), result: typeof result === 'number' ? 'taken' : result.code }
}

function tell(told: Told): void {
  process.send?.(told)
}
