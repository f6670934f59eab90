import { type ClusterPort, listen, type WsServer, type WsSocket } from '@bt/net'
import { churn } from './churn.js'
import {
  format_numbered,
  type NodeCommand,
  type NodeEvent,
  type NodeOptions,
  type Published,
} from './node_protocol.js'

/** One server of a cluster: executes the commands of a test, and numbers the messages that it publishes. */
export class NodeServer {
  readonly #name: string
  readonly #report: (event: NodeEvent) => void
  readonly #server: WsServer
  #number = 0
  #stream: { topic: string; messages: Published[]; timer: NodeJS.Timeout } | undefined

  constructor(
    { name, max_cluster_queue }: NodeOptions,
    cluster: ClusterPort,
    report: (event: NodeEvent) => void,
  ) {
    this.#name = name
    this.#report = report
    this.#server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster,
      max_cluster_queue,
      max_topics: 100_000,
      max_queue: 64 * 1_048_576,
      on_connect: async socket => {
        const topics = socket.request.query.get('topics')
        if (topics !== null) await this.#handle_request(socket, `join ${topics}`)
      },
      on_message: (socket, text) => this.#handle_request(socket, text),
      on_error: ({ code, message }) => report({ event: 'error', code, message, at_ms: Date.now() }),
    })
    this.#server.opened.then(() => report({ event: 'listening', addr: this.#server.addr }))
  }

  execute(command: NodeCommand): void {
    switch (command.command) {
      case 'publish': {
        const { topic, count, size } = command
        const messages = Array.from({ length: count }, () => this.#publish(topic, size))
        this.#report({ event: 'published', topic, messages })
        return
      }
      case 'publish_to_each': {
        const topics = Array.from({ length: command.topics }, (_, i) => `t${i}`)
        const messages = topics.map(topic => this.#publish(topic, 0))
        this.#report({ event: 'published', topic: '', messages })
        return
      }
      case 'stream': {
        const { topic, size, every_ms } = command
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
        this.#report({ event: 'published', topic, messages })
        return
      }
      case 'broadcast':
        this.#server.broadcast(this.#next_message(0), { cluster: true })
        return
      case 'report_stats': {
        const { cluster: stats } = this.#server.stats()
        if (stats !== undefined) this.#report({ event: 'stats', stats, nodes: this.#server.nodes() })
        return
      }
      case 'churn':
        churn(this.#server, command.topics, command.times).then(heap_bytes =>
          this.#report({ event: 'churned', heap_bytes }),
        )
        return
      case 'close':
        this.#server.close()
        this.#server.closed.then(() => this.#report({ event: 'closed' }))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#stream?.timer)
    await this.#server[Symbol.asyncDispose]()
  }

  /**
   * Handles a client's request: `join a,b` and `leave a,b`, which are acknowledged when they are done, and
   * `say TOPIC TEXT`, which publishes to the other sockets in the topic.
   */
  async #handle_request(socket: WsSocket, text: string): Promise<void> {
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
    const result = this.#server.publish(topic, this.#next_message(size))
    return {
      number: this.#number,
      at_ms: Date.now(),
      result: typeof result === 'number' ? 'accepted' : result.code,
    }
  }

  #next_message(size: number): string {
    this.#number += 1
    return format_numbered({ from: this.#name, number: this.#number }, size)
  }
}
