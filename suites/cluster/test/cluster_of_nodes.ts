import { setTimeout } from 'node:timers/promises'
import { connect, type WsClient } from '@bt/net'
import { type Broker, type BrokerOptions, start_nats, start_redis } from '@bt/test-support/brokers'
import { Journal } from '@bt/test-support/journal'
import {
  type NodeOptions,
  type Numbered,
  type Order,
  type Published,
  read_numbered,
  type Told,
} from '../src/words.ts'
import { NodeProcess } from './node_process.ts'

type Kind = NodeOptions['kind']
type Event<Name extends Told['event']> = Extract<Told, { readonly event: Name }>

/** How often a server is asked for its figures: at every answer it would do little else. */
const ASK_AGAIN_MS = 10

/** The brokers that everything is tried with. */
export const KINDS: readonly Kind[] = ['nats', 'redis']

/** A broker, and servers that it makes one, each in a process of its own. */
export class ClusterOfNodes {
  readonly kind: Kind
  readonly broker: Broker
  readonly nodes: Node[] = []

  constructor(kind: Kind, broker: Broker) {
    this.kind = kind
    this.broker = broker
  }

  /** Starts a broker, and that many servers, which know each other then. */
  static async start(kind: Kind, count: number, options: BrokerOptions = {}): Promise<ClusterOfNodes> {
    const broker = await (kind === 'nats' ? start_nats(options) : start_redis(options))
    const cluster = new ClusterOfNodes(kind, broker)
    try {
      for (const name of ['a', 'b', 'c', 'd'].slice(0, count)) await cluster.add(name)
      await Promise.all(cluster.nodes.map(node => node.stats_are(({ nodes }) => nodes.length === count)))
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
    return cluster
  }

  /** Starts one more server, and waits until it listens. */
  async add(name: string, options: Partial<NodeOptions> = {}): Promise<Node> {
    const node = new Node({ name, kind: this.kind, url: this.broker.url, ...options })
    this.nodes.push(node)
    await node.started()
    return node
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map(node => node.end()))
    await this.broker.close()
  }
}

/** A server in a process of its own, and what it told. */
export class Node {
  readonly name: string
  readonly told: Journal<Told> = new Journal()
  readonly #options: NodeOptions
  readonly #process: NodeProcess
  readonly #clients: WsClient[] = []
  #addr = ''

  constructor(options: NodeOptions) {
    this.name = options.name
    this.#options = options
    this.#process = NodeProcess.take(told => this.told.add(told))
  }

  /** Settles when it listens. */
  async started(): Promise<void> {
    this.#process.send({ do: 'start', options: this.#options })
    const ended = this.#process.ended.then(() => {
      throw new Error(`the process of ${this.name} ended before it listened`)
    })
    // One that has started may end.
    ended.catch(() => {})
    this.#addr = (await Promise.race([this.next('listening'), ended])).addr
  }

  order(order: Order): void {
    this.#process.send(order)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.signal(signal)
  }

  /** Ends its process without a word. */
  async kill(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.#process.kill()
  }

  /** Ends it in order; the next server can have its process. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.#process.give_back()
  }

  /** The first of what it tells by that name, from an index of all that it has told on. */
  next<Name extends Told['event']>(name: Name, from = 0): Promise<Event<Name>> {
    return this.told.first((told): told is Event<Name> => told.event === name, from)
  }

  /** The errors that its `on_error` was told. */
  get errors(): readonly Event<'error'>[] {
    return this.told.entries.filter(told => told.event === 'error')
  }

  /** Gives an order, and settles with the first answer by that name. */
  ask<Name extends Told['event']>(order: Order, name: Name): Promise<Event<Name>> {
    const from = this.told.entries.length
    this.order(order)
    return this.next(name, from)
  }

  async publish(topic: string, count: number, size = 0): Promise<readonly Published[]> {
    return (await this.ask({ do: 'publish', topic, count, size }, 'published')).messages
  }

  async stats(): Promise<Event<'stats'>> {
    return await this.ask({ do: 'tell_stats' }, 'stats')
  }

  /** Settles when its figures are as wanted: it is asked every few milliseconds. */
  async stats_are(are_wanted: (told: Event<'stats'>) => boolean): Promise<Event<'stats'>> {
    for (;;) {
      const told = await this.stats()
      if (are_wanted(told)) return told
      await setTimeout(ASK_AGAIN_MS)
    }
  }

  /** A client of it, which has joined these topics. */
  async member(...topics: string[]): Promise<Member> {
    const query = topics.length === 0 ? '' : `?topics=${topics.map(encodeURIComponent).join(',')}`
    const ws = connect({ type: 'ws', url: `ws://${this.#addr}/ws${query}`, max_payload: 16 * 1_048_576 })
    this.#clients.push(ws)
    const member = new Member(ws)
    await ws.opened
    if (topics.length > 0) await member.hears(text => text.startsWith('joined: '))
    return member
  }
}

/** A client, and what it has got. */
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

  /** Settles with the first text that is wanted, from an index of all on. */
  hears(is_wanted: (text: string) => boolean, from = 0): Promise<string> {
    return this.texts.first((text): text is string => is_wanted(text), from)
  }

  /** Sends, and settles with the first text after it that is wanted. */
  ask(text: string, is_answer: (text: string) => boolean): Promise<string> {
    const from = this.texts.entries.length
    this.send(text)
    return this.hears(is_answer, from)
  }

  /** The numbers of the messages of a server that it has got, in order. */
  numbers(from: string): number[] {
    return this.texts.entries
      .map(read_numbered)
      .filter((message): message is Numbered => message?.from === from)
      .map(({ number }) => number)
  }

  /** Settles when it has got that message of a server, or a later one. */
  async has_got(from: string, number: number): Promise<void> {
    await this.hears(text => {
      const message = read_numbered(text)
      return message?.from === from && message.number >= number
    })
  }
}
