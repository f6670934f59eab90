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
/**
 * The interval at which nodes announce themselves; pages drop a node that has been silent for several of
 * them.
 */
const ROSTER_EVERY_MS = 1_000
/** The interval at which each page gets the next number. */
const NUMBER_EVERY_MS = 100
/** How long the session of a page waits. A page that was closed stays visible to the others for this time. */
const HOLD_MS = 30_000
/** Ids of different nodes are far apart. */
const MOST_FIRST_ID = 2 ** 47

/** One of several nodes whose pages share one room. */
export interface RoomNode {
  /** The broker between them. */
  readonly broker: ClusterPort
  /** The name of this node and the URL of its page; `undefined` until they are known. */
  readonly self: () => { readonly node: string; readonly page: string } | undefined
}

/** The callbacks and dependencies of a {@link Room}. */
export interface RoomOptions {
  /** Cuts the TCP connection from an address, without a Close frame. */
  readonly cut: (addr: string) => void
  /** Called when a client has connected. */
  readonly on_joined?: (person: Person, addr: string) => void
  /** Called when a client has disconnected. */
  readonly on_left?: (person: Person, info: CloseInfo) => void
  /** Called with each error. */
  readonly on_error: (error: WsServerError) => void
  /** Left out if this server is the only one. */
  readonly node?: RoomNode | undefined
}

/** The WebSocket server of the demo. Each client is in the room, and sees all others, on other nodes too. */
export class Room {
  /** Listens on a free port of this machine. */
  readonly server: WsServer
  readonly #options: RoomOptions
  readonly #guests = new Map<WsSocket, Guest>()
  readonly #run: number = Date.now()
  #next_id: number
  #next_number = 1

  constructor(options: RoomOptions) {
    const { node } = options
    this.#options = options
    this.#next_id = node === undefined ? 1 : randomInt(MOST_FIRST_ID)
    this.server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      cluster: node?.broker,
      sessions: { hold_ms: HOLD_MS },
      on_connect: socket => this.#welcome(socket),
      on_message: (socket, data) => this.#answer(socket, data),
      // The page asks again for its feed when it is back: the queue is for what it must not miss.
      on_away: socket => this.#guests.get(socket)?.stop(),
      on_close: (socket, info) => this.#part(socket, info),
      on_error: error => {
        // A full queue is what this demo shows; it waits for slow readers.
        if (!is_full(error)) options.on_error(error)
      },
    })
    const counting = setInterval(() => this.#count(), NUMBER_EVERY_MS)
    this.server.closed.then(() => clearInterval(counting))
    if (node === undefined) return
    const beat = setInterval(() => this.#announce(), ROSTER_EVERY_MS)
    this.server.closed.then(() => clearInterval(beat))
  }

  /** The people who are connected to this server. */
  get people(): readonly Person[] {
    return Array.from(this.#guests.values(), ({ person }) => person)
  }

  /** Carries out a control request. Returns `false` if there is no such connection. */
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
    // If the broker is down, messages of other nodes arrive as soon as it is back.
    await socket.join(ROOM)
    const { people } = this
    const person = this.#introduce(people)
    const guest = new Guest(socket, person)
    this.#guests.set(socket, guest)
    socket.send(message_text({ type: 'welcome', you: person, people, key: guest.key }))
    this.#publish_to_others(socket, { type: 'joined', person })
    this.#announce()
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
        return this.#publish_to_others(socket, {
          type: 'chat',
          id,
          text: message.text,
          ...(person.node === undefined ? {} : { from: person }),
        })
      case 'cursor':
        return this.#publish_to_others(socket, { type: 'cursor', id, place: message.place })
      case 'number':
        return socket.send(message_text({ type: 'returned', number: message.number }))
    }
  }

  /** Sends the next number to all pages of this node. Without a session, those that are not connected miss it. */
  #count(): void {
    for (const guest of this.#guests.values()) guest.count(this.#run, this.#next_number)
    this.#next_number += 1
  }

  #part(socket: WsSocket, info: CloseInfo): void {
    const guest = this.#guests.get(socket)
    if (guest === undefined) return
    guest.stop()
    this.#guests.delete(socket)
    this.#publish_to_others(socket, { type: 'left', id: guest.person.id })
    this.#announce()
    this.#options.on_left?.(guest.person, info)
  }

  #publish_to_others(except: WsSocket, message: ServerMessage): void {
    // `on_error` reports messages that can't reach other nodes.
    this.server.publish(ROOM, message_text(message), { except })
  }

  /**
   * Sends this node's people to the pages of all nodes, and the state of the cluster to those of this node.
   */
  #announce(): void {
    const { broker, self } = this.#options.node ?? {}
    const here = self?.()
    if (broker === undefined || here === undefined) return
    const is_joined = this.server.stats().cluster?.is_connected ?? false
    this.server.broadcast(
      message_text({ type: 'cluster', node: here.node, broker: broker.broker, is_joined }),
    )
    const roster = message_text({ type: 'roster', ...here, people: this.people })
    // An announcement that repeats each second need not be queued for a broker that is down.
    if (is_joined) this.server.publish(ROOM, roster)
    else this.server.broadcast(roster)
  }
}

/** Each node starts at a different name, so that two people seldom share one. */
function first_name_of(node: string | undefined): number {
  return Array.from(node ?? '').reduce((sum, letter) => sum * 7 + letter.charCodeAt(0), 0)
}
