import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { BrokerKind } from '../process/broker.js'

/** What clients say to a broker, and it to them, in its own protocol. */
export interface Words {
  readonly hello: string
  readonly subscribe: (topic: string) => string
  readonly publish: (topic: string, payload: string) => string
  /** How it hands on what was published. */
  readonly message: (topic: string, payload: string) => string
}

export const WORDS: Readonly<Record<BrokerKind, Words>> = {
  nats: {
    hello: 'CONNECT {"verbose":false}\r\n',
    subscribe: topic => `SUB ${topic} 1\r\n`,
    publish: (topic, payload) => `PUB ${topic} ${payload.length}\r\n${payload}\r\n`,
    message: (topic, payload) => `MSG ${topic} 1 ${payload.length}\r\n${payload}\r\n`,
  },
  redis: {
    hello: '',
    subscribe: topic => resp('SUBSCRIBE', topic),
    publish: (topic, payload) => resp('PUBLISH', topic, payload),
    message: (topic, payload) => resp('message', topic, payload),
  },
}

/** A list of texts as Redis writes it. */
function resp(...texts: string[]): string {
  return `*${texts.length}\r\n${texts.map(text => `$${text.length}\r\n${text}\r\n`).join('')}`
}

const ASK = 'PING\r\n'
const ANSWER = /pong/i
const ANSWER_LENGTH = 4

/** A connection to a broker that takes hardly more than the kernel does: it counts what comes, and looks for nothing but answers to Pings. */
export class PlainClient {
  readonly #tcp: Socket
  readonly #lost: Promise<never>
  #bytes = 0
  #awaited_bytes = Number.POSITIVE_INFINITY
  #said = ''
  #arrived = (): void => {}
  #answered = (): void => {}

  private constructor(tcp: Socket) {
    this.#tcp = tcp
    tcp.setEncoding('latin1').on('data', (text: string) => {
      this.#bytes += text.length
      if (this.#bytes >= this.#awaited_bytes) this.#arrived()
      this.#said = this.#said.slice(1 - ANSWER_LENGTH) + text
      if (ANSWER.test(this.#said)) {
        this.#said = ''
        this.#answered()
      }
    })
    this.#lost = new Promise((_, reject) => {
      tcp.on('error', () => {}) // the end comes next
      tcp.once('close', () => reject(new Error('the broker has closed a connection')))
    })
    // It is told to whoever waits, which nobody may do.
    this.#lost.catch(() => {})
  }

  /** Connects, and says that; settles when the broker has taken all of it. */
  static async open(port: number, words: string): Promise<PlainClient> {
    const tcp = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(tcp, 'connect')
    const client = new PlainClient(tcp)
    await client.say(words)
    return client
  }

  /** Settles when the broker has taken what was said. */
  async say(words: string): Promise<void> {
    const answered = new Promise<void>(resolve => {
      this.#answered = resolve
    })
    this.#tcp.write(words + ASK)
    await Promise.race([answered, this.#lost])
  }

  /** Settles when so many bytes more have come. */
  async hear(bytes: number): Promise<void> {
    this.#awaited_bytes = this.#bytes + bytes
    const arrived = new Promise<void>(resolve => {
      this.#arrived = resolve
    })
    await Promise.race([arrived, this.#lost])
  }

  close(): void {
    this.#tcp.destroy()
  }
}
