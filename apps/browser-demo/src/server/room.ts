import { randomInt } from 'node:crypto'
import {
  type CloseInfo,
  type ClusterPort,
  listen,
  type WsServer,
  type WsServerError,
  type WsSocket,
} from '@bt/net'
import type { ControlRequest } from '../shared/control.js'
import {
  COLOR_COUNT,
  is_load,
  message_text,
  type PageMessage,
  type Person,
  parse_page_message,
  type ServerMessage,
} from '../shared/message.js'
import { Guest, is_full } from './guest.js'
import { free_name } from './names.js'

const CODE_NOT_UNDERSTOOD = 4001
const CODE_SERVER_CLOSED = 4002

/** The topic that all pages are in. */
const ROOM = 'room'
/** How often a node of a cluster says who is there: a page that has heard nothing of one for some time takes it for gone. */
const ROSTER_EVERY_MS = 1_000
/** Ids of different nodes are far apart. */
const MOST_FIRST_ID = 2 ** 47

/** One of several nodes whose pages are in one room. */
export interface RoomNode {
  /** The broker between them. */
  readonly broker: ClusterPort
  /** What this node is called, and where its page is; `undefined` until that is known. */
  readonly self: () => { readonly node: string; readonly page: string } | undefined
}

/** What a room tells, and what it can't do by itself. */
export interface RoomOptions {
  /** Cuts the TCP connection that comes from an address, without a Close. */
  readonly cut: (addr: string) => void
  /** Somebody has come. */
  readonly on_joined?: (person: Person, addr: string) => void
  /** Somebody has gone. */
  readonly on_left?: (person: Person, info: CloseInfo) => void
  /** Something failed. */
  readonly on_error: (error: WsServerError) => void
  /** Left out where this server is the only one. */
  readonly node?: RoomNode | undefined
}

/** The WebSocket server of the demo: whoever connects is in the room, and sees the others, those at other nodes too. */
export class Room {
  /** It listens on a free port of this machine. */
  readonly server: WsServer
  readonly #options: RoomOptions
  readonly #guests = new Map<WsSocket, Guest>()
  #next_id: number

  constructor(options: RoomOptions) {
    const { node } = options
    this.#options = options
    this.#next_id = node === undefined ? 1 : randomInt(MOST_FIRST_ID)
    this.server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster: node?.broker,
      on_connect: socket => this.#welcome(socket),
      on_message: (socket, data) => this.#answer(socket, data),
      on_close: (socket, info) => this.#part(socket, info),
      on_error: error => {
        // A full queue is what this demo shows: whoever reads slowly is waited for.
        if (!is_full(error)) options.on_error(error)
      },
    })
    if (node === undefined) return
    const beat = setInterval(() => this.#tell_nodes(), ROSTER_EVERY_MS)
    this.server.closed.then(() => clearInterval(beat))
  }

  /** Those who are connected to this server. */
  get people(): readonly Person[] {
    return Array.from(this.#guests.values(), ({ person }) => person)
  }

  /** Does to a connection what its page asks for. `false` where there is no such connection. */
  control(request: ControlRequest): boolean {
    const guest = [...this.#guests.values()].find(({ key }) => key === request.key)
    if (guest === undefined) return false
    if (request.action === 'cut') this.#options.cut(guest.socket.addr)
    else if (request.action === 'close')
      guest.socket.close(CODE_SERVER_CLOSED, 'the server closed, as you asked')
    else if (request.action === 'slow') guest.is_slow = request.is_on
    else guest.feed(request.rate, request.size_bytes)
    return true
  }

  async #welcome(socket: WsSocket): Promise<void> {
    // Where the broker is away, the others are heard as soon as it is back.
    await socket.join(ROOM)
    const { people } = this
    const person = this.#introduce(people)
    const guest = new Guest(socket, person)
    this.#guests.set(socket, guest)
    socket.send(message_text({ type: 'welcome', you: person, people, key: guest.key }))
    this.#tell_others(socket, { type: 'joined', person })
    this.#tell_nodes()
    this.#options.on_joined?.(person, socket.addr)
  }

  #introduce(others: readonly Person[]): Person {
    const node = this.#options.node?.self()?.node
    const id = this.#next_id
    this.#next_id += 1
    const taken = new Set(others.map(({ name }) => name))
    const person = { id, name: free_name(taken, first_name_of(node)), color: (id - 1) % COLOR_COUNT }
    return node === undefined ? person : { ...person, node }
  }

  #answer(socket: WsSocket, data: string): unknown {
    const guest = this.#guests.get(socket)
    if (guest === undefined) return undefined
    if (is_load(data)) return guest.answer_load(data)
    const message = parse_page_message(data)
    if (message === undefined) return socket.close(CODE_NOT_UNDERSTOOD, 'not a message of this demo')
    return this.#answer_message(guest, message)
  }

  #answer_message({ socket, person, held_back }: Guest, message: PageMessage): unknown {
    const { id } = person
    switch (message.type) {
      case 'ping': {
        const { queued: queued_bytes } = socket
        return socket.send(message_text({ type: 'pong', at_ms: message.at_ms, queued_bytes, held_back }))
      }
      case 'say':
        return socket.send(message_text({ type: 'echo', text: message.text }))
      case 'chat':
        return this.#tell_others(socket, {
          type: 'chat',
          id,
          text: message.text,
          ...(person.node === undefined ? {} : { from: person }),
        })
      case 'cursor':
        return this.#tell_others(socket, { type: 'cursor', id, place: message.place })
    }
  }

  #part(socket: WsSocket, info: CloseInfo): void {
    const guest = this.#guests.get(socket)
    if (guest === undefined) return
    guest.stop()
    this.#guests.delete(socket)
    this.#tell_others(socket, { type: 'left', id: guest.person.id })
    this.#tell_nodes()
    this.#options.on_left?.(guest.person, info)
  }

  #tell_others(except: WsSocket, message: ServerMessage): void {
    // What can't reach other nodes just now, `on_error` is told of.
    this.server.publish(ROOM, message_text(message), { except })
  }

  /** Tells the pages of all nodes who is at this one, and those of this one how it stands to the others. */
  #tell_nodes(): void {
    const { broker, self } = this.#options.node ?? {}
    const here = self?.()
    if (broker === undefined || here === undefined) return
    const is_joined = this.server.stats().cluster?.is_connected ?? false
    this.server.broadcast(
      message_text({ type: 'cluster', node: here.node, broker: broker.broker, is_joined }),
    )
    const roster = message_text({ type: 'roster', ...here, people: this.people })
    // What is told each second need not wait for a broker that is away.
    if (is_joined) this.server.publish(ROOM, roster)
    else this.server.broadcast(roster)
  }
}

/** Nodes begin with different names, so that two people seldom have the same one. */
function first_name_of(node: string | undefined): number {
  return Array.from(node ?? '').reduce((sum, letter) => sum * 7 + letter.charCodeAt(0), 0)
}
