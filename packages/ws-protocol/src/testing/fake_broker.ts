import type { ClusterLink, ClusterPort, ClusterSink } from '../broker/cluster_port.js'

/** A message as a {@link FakeBroker} saw it. */
export interface CarriedMessage {
  /** Where it was published. */
  readonly channel: string
  /** What was published. */
  readonly bytes: Uint8Array
}

/** A broker in memory that a test holds in its hand: it carries what it is handed in the next promise job, or not at all. */
export class FakeBroker {
  /** What was published, by whom ever. */
  readonly carried: CarriedMessage[] = []
  /** What is subscribed to and what no longer, in order: `+channel` and `-channel`. */
  readonly subscriptions: string[] = []
  /** The connections that there are. */
  readonly links: Set<FakeLink> = new Set()
  /** How many attempts to connect there were. */
  attempts = 0
  /** Why nobody can connect; `undefined` where everybody can. */
  out_of_reach: Error | undefined
  /** What may not be subscribed to. */
  readonly forbidden: Set<string> = new Set()
  /** To how many channels a connection may be subscribed. Where it is too much, all that is asked for just then is refused: nobody says which was too many. */
  most_channels: number = Number.POSITIVE_INFINITY
  /** The most bytes of a message. */
  max_bytes = 1_048_576
  #is_held = false
  readonly #held: (() => void)[] = []

  /** A port to it. */
  port(prefix = 'bt'): ClusterPort {
    return {
      broker: 'Fake at 127.0.0.1:1',
      prefix,
      connect: async sink => {
        this.attempts += 1
        if (this.out_of_reach !== undefined) throw this.out_of_reach
        const link = new FakeLink(this, sink)
        this.links.add(link)
        return link
      },
    }
  }

  /** Answers nothing, and carries nothing, until it is released. */
  hold(): void {
    this.#is_held = true
  }

  /** Answers and carries what it was handed meanwhile, and from now on. */
  release(): void {
    this.#is_held = false
    for (const task of this.#held.splice(0)) task()
  }

  /** Loses all connections; what it has not answered is never answered. */
  lose_all(error: Error = new Error('connection reset')): void {
    this.#held.length = 0
    for (const link of [...this.links]) link.lose(error)
  }

  /** Does something in the next promise job, or when it is released: for its links. */
  async settle(): Promise<void> {
    if (this.#is_held) await new Promise<void>(resolve => this.#held.push(resolve))
  }
}

/** Channels that are asked for. */
interface Question {
  refusal: Error | undefined
}

/** A connection to a {@link FakeBroker}. */
export class FakeLink implements ClusterLink {
  readonly max_bytes: number
  readonly #broker: FakeBroker
  readonly #sink: ClusterSink
  /** What it has or has asked for, and what of that stands. */
  readonly #asked = new Set<string>()
  readonly #standing = new Set<string>()
  readonly #pending = new Set<(error: Error) => void>()
  readonly #questions = new Set<Question>()
  /** Why nothing is told and done any more. */
  #end: Error | undefined

  constructor(broker: FakeBroker, sink: ClusterSink) {
    this.#broker = broker
    this.#sink = sink
    this.max_bytes = broker.max_bytes
  }

  async subscribe(channels: readonly string[]): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    for (const channel of channels) {
      if (this.#asked.has(channel)) throw new Error(`${channel} is subscribed to already`)
      this.#asked.add(channel)
    }
    const question: Question = { refusal: undefined }
    this.#questions.add(question)
    await this.#answer(() => {
      const { forbidden, most_channels } = this.#broker
      const refused = channels.find(channel => forbidden.has(channel))
      if (refused !== undefined) question.refusal = new Error(`no permission to subscribe to ${refused}`)
      if (this.#asked.size > most_channels)
        for (const asked of this.#questions) asked.refusal ??= new Error('too many channels')
      if (question.refusal === undefined) for (const channel of channels) this.#begin(channel)
    }).finally(() => this.#questions.delete(question))
    if (question.refusal === undefined) return
    for (const channel of channels) {
      this.#asked.delete(channel)
      this.#standing.delete(channel)
    }
    throw question.refusal
  }

  unsubscribe(channels: readonly string[]): void {
    if (this.#end !== undefined) return
    for (const channel of channels) {
      if (!this.#asked.delete(channel)) throw new Error(`${channel} is not subscribed to`)
    }
    this.#send(() => {
      for (const channel of channels)
        if (this.#standing.delete(channel)) this.#broker.subscriptions.push(`-${channel}`)
    })
  }

  publish(channel: string, bytes: Uint8Array): void {
    if (this.#end !== undefined) return
    if (bytes.length > this.max_bytes) throw new Error(`${bytes.length} bytes are too many`)
    this.#send(() => {
      this.#broker.carried.push({ channel, bytes })
      for (const link of this.#broker.links) if (link !== this) link.#receive(channel, bytes)
    })
  }

  async sync(): Promise<void> {
    if (this.#end !== undefined) throw this.#end
    await this.#answer(() => {})
  }

  async close(): Promise<void> {
    this.#end ??= new Error('the connection was closed')
    if (this.#broker.links.has(this)) await this.#answer(() => {}).catch(() => {})
    this.destroy()
  }

  destroy(): void {
    this.#end ??= new Error('the connection was destroyed')
    this.#broker.links.delete(this)
    for (const reject of this.#pending) reject(this.#end)
  }

  /** Loses this connection. */
  lose(error: Error): void {
    const is_told = this.#end === undefined
    this.#end ??= error
    this.destroy()
    if (is_told) this.#sink.lost(error)
  }

  /** Tells that something was not allowed. */
  refuse(error: Error): void {
    this.#sink.refused(error)
  }

  /** A subscription stands, unless it was ended meanwhile. */
  #begin(channel: string): void {
    if (!this.#asked.has(channel)) return
    this.#standing.add(channel)
    this.#broker.subscriptions.push(`+${channel}`)
  }

  #receive(channel: string, bytes: Uint8Array): void {
    if (this.#end === undefined && this.#standing.has(channel)) this.#sink.received(channel, bytes)
  }

  /** Does something in its turn, unless the connection is gone before. */
  #send(task: () => void): void {
    this.#answer(task).catch(() => {})
  }

  /** Does something in its turn; rejects when the connection is gone before. */
  #answer(task: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.add(reject)
      this.#broker
        .settle()
        .then(task)
        .then(resolve, reject)
        .finally(() => this.#pending.delete(reject))
    })
  }
}
