import { setTimeout } from 'node:timers/promises'
import { connect, type WsClient } from '@bt/net'
import { type Broker, type BrokerOptions, start_nats, start_redis } from '@bt/test-support/brokers'
import { Journal } from '@bt/test-support/journal'
import {
  type BrokerKind,
  type NodeCommand,
  type NodeEvent,
  type NodeOptions,
  type NumberedMessage,
  type Published,
  parse_numbered,
} from '../src/node_protocol.ts'
import { NodeProcess } from './node_process.ts'

type EventOf<Name extends NodeEvent['event']> = Extract<NodeEvent, { readonly event: Name }>

/** The delay between requests for statistics: without one, a server would do little else than answer them. */
const POLL_INTERVAL_MS = 10

/** The brokers that every test runs with. */
export const BROKER_KINDS: readonly BrokerKind[] = ['nats', 'redis']

/** A broker, and servers that are connected to it, each in a process of its own. */
export class TestCluster {
  readonly kind: BrokerKind
  readonly broker: Broker
  readonly nodes: Node[] = []

  constructor(kind: BrokerKind, broker: Broker) {
    this.kind = kind
    this.broker = broker
  }

  /** Starts a broker and `count` servers, and waits until they have discovered each other. */
  static async start(kind: BrokerKind, count: number, options: BrokerOptions = {}): Promise<TestCluster> {
    const broker = await (kind === 'nats' ? start_nats(options) : start_redis(options))
    const cluster = new TestCluster(kind, broker)
    try {
      for (const name of ['a', 'b', 'c', 'd'].slice(0, count)) await cluster.add(name)
      await Promise.all(cluster.nodes.map(node => node.wait_for_stats(({ nodes }) => nodes.length === count)))
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  /** Starts another server, and waits until it listens. */
  async add(name: string, options: Partial<NodeOptions> = {}): Promise<Node> {
    const node = new Node({ name, kind: this.kind, url: this.broker.url, ...options })
    this.nodes.push(node)
    await node.start()
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map(node => node.end()))
    await this.broker.close()
  }
}

/** A server in a process of its own, and the events that it has reported. */
export class Node {
  readonly name: string
  readonly #events: Journal<NodeEvent> = new Journal()
  readonly #options: NodeOptions
  readonly #process: NodeProcess
  readonly #clients: WsClient[] = []
  #addr = ''

  constructor(options: NodeOptions) {
    this.name = options.name
    this.#options = options
    this.#process = NodeProcess.acquire(event => this.#events.add(event))
  }

  /** Starts the server, and waits until it listens. */
  async start(): Promise<void> {
    this.#process.send({ command: 'start', options: this.#options })
    const ended = this.#process.ended.then(() => {
      throw new Error(`the process of ${this.name} ended before it listened`)
    })
    // Once the server listens, its process may end without failing the test.
    ended.catch(() => {})
    this.#addr = (await Promise.race([this.next('listening'), ended])).addr
  }

  send(command: NodeCommand): void {
    this.#process.send(command)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.signal(signal)
  }

  /** Kills its process with SIGKILL. */
  async kill(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.#process.kill()
  }

  /** Closes the server, and releases its process for another one. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.#process.release()
  }

  /** Waits for the first event of that name, starting at an index of all reported events. */
  next<Name extends NodeEvent['event']>(name: Name, from = 0): Promise<EventOf<Name>> {
    return this.#events.first((event): event is EventOf<Name> => event.event === name, from)
  }

  /** The errors that its `on_error` received. */
  get errors(): readonly EventOf<'error'>[] {
    return this.#events.entries.filter(event => event.event === 'error')
  }

  /** Sends a command, and waits for the next event of that name. */
  request<Name extends NodeEvent['event']>(command: NodeCommand, name: Name): Promise<EventOf<Name>> {
    const from = this.#events.entries.length
    this.send(command)
    return this.next(name, from)
  }

  async publish(topic: string, count: number, size = 0): Promise<readonly Published[]> {
    return (await this.request({ command: 'publish', topic, count, size }, 'published')).messages
  }

  async stats(): Promise<EventOf<'stats'>> {
    return await this.request({ command: 'report_stats' }, 'stats')
  }

  /** Requests statistics every few milliseconds until they match. */
  async wait_for_stats(is_match: (event: EventOf<'stats'>) => boolean): Promise<EventOf<'stats'>> {
    for (;;) {
      const event = await this.stats()
      if (is_match(event)) return event
      await setTimeout(POLL_INTERVAL_MS)
    }
  }

  /** Connects a client, and waits until it has joined the topics. */
  async connect_member(...topics: string[]): Promise<Member> {
    const query = topics.length === 0 ? '' : `?topics=${topics.map(encodeURIComponent).join(',')}`
    const ws = connect({ type: 'ws', url: `ws://${this.#addr}/ws${query}`, max_payload: 16 * 1_048_576 })
    this.#clients.push(ws)
    const member = new Member(ws)
    await ws.opened
    if (topics.length > 0) await member.wait_for_text(text => text.startsWith('joined: '))
    return member
  }
}

/** A client of a server, and the messages that it has received. */
export class Member {
  readonly texts: Journal<string> = new Journal()
  readonly #ws: WsClient

  constructor(ws: WsClient) {
    this.#ws = ws
    ws.on_message(text => this.texts.add(text))
  }

  send(text: string): void {
    this.#ws.send(text)
  }

  /** Waits for the first text that matches, starting at an index of all received texts. */
  wait_for_text(is_match: (text: string) => boolean, from = 0): Promise<string> {
    return this.texts.first(is_match, from)
  }

  /** Sends a text, and waits for the next text that matches. */
  request(text: string, is_answer: (text: string) => boolean): Promise<string> {
    const from = this.texts.entries.length
    this.send(text)
    return this.wait_for_text(is_answer, from)
  }

  /** Returns the numbers of the messages received from a server, in order of arrival. */
  numbers_from(name: string): number[] {
    return this.texts.entries
      .map(parse_numbered)
      .filter((message): message is NumberedMessage => message?.from === name)
      .map(({ number }) => number)
  }

  /** Waits until the message of that number from a server, or a later one, has arrived. */
  async wait_for_number(name: string, number: number): Promise<void> {
    await this.wait_for_text(text => {
      const message = parse_numbered(text)
      return message?.from === name && message.number >= number
    })
  }
}
