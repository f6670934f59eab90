import { type ClusterPort, listen, type WsServer, type WsSocket } from '@bt/net'
import { churn } from './churn.js'
import { type NodeOptions, type Order, type Published, type Told, write_numbered } from './words.js'

/** One server of a cluster: numbers what it publishes, and obeys the orders of a test. */
export class NodeServer {
  readonly #name: string
  readonly #tell: (told: Told) => void
  readonly #server: WsServer
  #number = 0
  #stream: { topic: string; messages: Published[]; timer: NodeJS.Timeout } | undefined

  constructor({ name, max_cluster_queue }: NodeOptions, cluster: ClusterPort, tell: (told: Told) => void) {
    this.#name = name
    this.#tell = tell
    this.#server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster,
      max_cluster_queue,
      max_topics: 100_000,
      max_queue: 64 * 1_048_576,
      on_connect: async socket => {
        const topics = socket.request.query.get('topics')
        if (topics !== null) await this.#answer(socket, `join ${topics}`)
      },
      on_message: (socket, text) => this.#answer(socket, text),
      on_error: ({ code, message }) => tell({ event: 'error', code, message, at_ms: Date.now() }),
    })
    this.#server.opened.then(() => tell({ event: 'listening', addr: this.#server.addr }))
  }

  obey(order: Order): void {
    switch (order.do) {
      case 'publish': {
        const { topic, count, size } = order
        const messages = Array.from({ length: count }, () => this.#publish(topic, size))
        this.#tell({ event: 'published', topic, messages })
        return
      }
      case 'publish_to_each': {
        const topics = Array.from({ length: order.topics }, (_, i) => `t${i}`)
        const messages = topics.map(topic => this.#publish(topic, 0))
        this.#tell({ event: 'published', topic: '', messages })
        return
      }
      case 'stream': {
        const { topic, size, every_ms } = order
        const messages: Published[] = []
        const timer = setInterval(() => messages.push(this.#publish(topic, size)), every_ms)
        this.#stream = { topic, messages, timer }
        return
      }
      case 'stop_stream': {
        if (this.#stream === undefined) return
        const { topic, messages, timer } = this.#stream
        clearInterval(timer)
        this.#stream = undefined
        this.#tell({ event: 'published', topic, messages })
        return
      }
      case 'broadcast':
        this.#number += 1
        this.#server.broadcast(write_numbered({ from: this.#name, number: this.#number }, 0), {
          cluster: true,
        })
        return
      case 'tell_stats': {
        const { cluster: stats } = this.#server.stats()
        if (stats !== undefined) this.#tell({ event: 'stats', stats, nodes: this.#server.nodes() })
        return
      }
      case 'churn':
        churn(this.#server, order.topics, order.times).then(heap_bytes =>
          this.#tell({ event: 'churned', heap_bytes }),
        )
        return
      case 'close':
        this.#server.close()
        this.#server.closed.then(() => this.#tell({ event: 'closed' }))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#stream?.timer)
    await this.#server[Symbol.asyncDispose]()
  }

  /** Does what a socket asks for: `join a,b`, `leave a,b`, `say TOPIC TEXT` to the others; and tells it when that is done. */
  async #answer(socket: WsSocket, text: string): Promise<void> {
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
      this.#server.publish(topic, words.join(' '), { except: socket })
    }
  }

  #publish(topic: string, size: number): Published {
    this.#number += 1
    const result = this.#server.publish(
      topic,
      write_numbered({ from: this.#name, number: this.#number }, size),
    )
    return {
      number: this.#number,
      at_ms: Date.now(),
      result: typeof result === 'number' ? 'taken' : result.code,
    }
  }
}
