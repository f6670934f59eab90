import { type ClusterPort, listen, type WsServer, type WsSocket } from '@bt/net'
import { seeded_random } from '../soak/seeded_random.js'
import { burst_size, run_callback } from './callback.js'
import { add_number, Counter, is_impossible, type ServerRecord, type SessionRecord } from './ledger.js'
import { type NumberedMessage, read_message, write_message } from './numbered_message.js'

/** How a {@link LedgerServer} listens. */
export interface LedgerServerSettings {
  /** Differs from the names of all other servers. */
  readonly name: string
  readonly seed: number
  /** How long a session may be without a socket. */
  readonly hold_ms: number
  readonly port?: number | undefined
  /** Returns the port to the broker of its cluster. */
  readonly create_cluster_port?: (() => ClusterPort | undefined) | undefined
}

/** A server of the ledger, in this process or in another one. */
export interface LedgerNode {
  readonly port: number
  /** Closes the server, in order or at once, and opens another one on its port. */
  restart(at_once: boolean): Promise<void>
  /** Sends no more broadcasts. */
  stop_broadcasts(): void
  /** Closes the server. Returns the records of all sessions, also of those before a restart. */
  close(): Promise<ServerRecord>
}

/** How often it sends to each session. */
const TICK_MS = 2
const BROADCAST_RATE = 0.05

/** A session that has not ended. */
interface LiveSession {
  readonly record: SessionRecord
  readonly counter: Counter
  is_handling: boolean
  /** Whether its client wants no more messages. */
  is_finished: boolean
}

/**
 * A server that sends numbered messages to each session, to one alone and to all, checks those that arrive, and
 * records both.
 */
export class LedgerServer implements LedgerNode {
  port = 0
  readonly #sessions: SessionRecord[] = []
  readonly #flaws: string[] = []
  readonly #settings: LedgerServerSettings
  readonly #random: () => number
  readonly #live = new Map<WsSocket, LiveSession>()
  readonly #timer: ReturnType<typeof setInterval>
  #server!: WsServer
  /** How many servers there have been, this one included. */
  #generation = 0
  #broadcasts = 0
  #is_broadcasting = true
  #is_closing = false

  private constructor(settings: LedgerServerSettings) {
    this.#settings = settings
    this.#random = seeded_random(settings.seed)
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Resolves when the server listens. */
  static async start(settings: LedgerServerSettings): Promise<LedgerServer> {
    const server = new LedgerServer(settings)
    await server.#listen(settings.port ?? 0)
    return server
  }

  async restart(at_once: boolean): Promise<void> {
    await this.#end(at_once)
    await this.#listen(this.port)
  }

  stop_broadcasts(): void {
    this.#is_broadcasting = false
  }

  async close(): Promise<ServerRecord> {
    clearInterval(this.#timer)
    await this.#end(false)
    return { sessions: this.#sessions, flaws: this.#flaws }
  }

  get #name(): string {
    return `${this.#settings.name}${this.#generation}`
  }

  async #listen(port: number): Promise<void> {
    const { hold_ms, create_cluster_port } = this.#settings
    this.#generation += 1
    this.#broadcasts = 0
    this.#is_closing = false
    this.#server = listen({
      type: 'ws',
      bind: `127.0.0.1:${port}`,
      binary: true,
      origins: '*',
      sessions: { hold_ms },
      cluster: create_cluster_port?.(),
      heartbeat: 1_000,
      close_timeout: 1_000,
      max_queue: 524_288,
      on_connect: socket => this.#connect(socket),
      on_message: (socket, data) => this.#message(this.#live.get(socket) as LiveSession, socket, data),
      on_away: socket => {
        const session = this.#live.get(socket)
        if (session !== undefined) session.record.times_away += 1
      },
      on_close: (socket, info) => {
        const session = this.#live.get(socket) as LiveSession
        this.#live.delete(socket)
        session.record.info = info
      },
      on_error: error => {
        if (is_impossible(error)) this.#flaws.push(error.message)
      },
    })
    await this.#server.opened
    this.port = Number(this.#server.addr.split(':')[1])
  }

  async #end(at_once: boolean): Promise<void> {
    this.#is_closing = true
    this.#server.close(at_once ? { now: true } : { drain_ms: 1_000 })
    await this.#server.closed
  }

  #connect(socket: WsSocket): void {
    const record: SessionRecord = {
      id: `${this.#name}.${this.#sessions.length}`,
      client: socket.request.query.get('client') ?? '',
      handled: [],
      greetings: [],
      has_unnumbered: false,
      direct: 0,
      first_broadcast: this.#broadcasts,
      broadcasts: 0,
      times_away: 0,
      info: undefined,
      flaws: [],
    }
    this.#sessions.push(record)
    const session = { record, counter: new Counter(record.handled), is_handling: false, is_finished: false }
    this.#live.set(socket, session)
    this.#send(session, socket)
  }

  #tick(): void {
    if (this.#is_closing) return
    if (this.#is_broadcasting && this.#random() < BROADCAST_RATE) this.#broadcast()
    for (const [socket, session] of this.#live) {
      if (session.is_finished) continue
      for (let left = burst_size(this.#random); left > 0 && this.#send(session, socket); left -= 1);
    }
  }

  #send({ record }: LiveSession, socket: WsSocket, request: NumberedMessage['request'] = ''): boolean {
    const { direct: number, broadcasts } = record
    const is_sent =
      socket.send(write_message({ stream: `d${record.id}`, number, broadcasts, request })) === true
    if (is_sent) record.direct += 1
    return is_sent
  }

  #broadcast(): void {
    const message = {
      stream: `b${this.#name}`,
      number: this.#broadcasts,
      broadcasts: 0,
      request: '',
    } as const
    this.#broadcasts += 1
    // A socket that is closing takes nothing more. One that the broadcast closes has not taken it either, but it
    // counts, since its client can't know.
    for (const [socket, { record }] of this.#live) if (socket.state === 'open') record.broadcasts += 1
    this.#server.broadcast(write_message(message))
  }

  #message(session: LiveSession, socket: WsSocket, data: string | Uint8Array): Promise<void> | undefined {
    const { record } = session
    if (session.is_handling) record.flaws.push('a callback began before the previous one was done')
    session.is_handling = true
    const is_done = (): void => {
      session.is_handling = false
    }
    try {
      this.#count(session, socket, data)
      const settled = run_callback(this.#random)
      if (settled === undefined) is_done()
      else settled.then(is_done, is_done)
      return settled
    } catch (error) {
      is_done()
      throw error
    }
  }

  #count(session: LiveSession, socket: WsSocket, data: string | Uint8Array): void {
    const { record, counter } = session
    try {
      const message = read_message(data)
      if (message !== 'empty' && message.stream.slice(1) !== record.client)
        record.flaws.push(`a message of ${message.stream} has arrived in a session of ${record.client}`)
      if (message !== 'empty' && message.stream.startsWith('g')) {
        add_number(record.greetings, message.number)
        return
      }
      const flaw = counter.count(message)
      record.has_unnumbered = counter.is_empty_first
      if (flaw !== undefined) record.flaws.push(flaw)
      if (message === 'empty' || message.request !== 'finish') return
    } catch (error) {
      record.flaws.push((error as Error).message)
      return
    }
    session.is_finished = true
    this.#send_finished(session, socket)
  }

  #send_finished(session: LiveSession, socket: WsSocket): void {
    if (this.#send(session, socket, 'finished') || socket.state !== 'open') return
    socket.drained().then(
      () => this.#send_finished(session, socket),
      () => {},
    )
  }
}
