import { type CloseInfo, listen, type WsServer, type WsServerError, type WsSocket } from '@bt/net'
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
}

/** The WebSocket server of the demo: whoever connects is in the room, and sees the others. */
export class Room {
  /** It listens on a free port of this machine. */
  readonly server: WsServer
  readonly #options: RoomOptions
  readonly #guests = new Map<WsSocket, Guest>()
  #next_id = 1

  constructor(options: RoomOptions) {
    this.#options = options
    this.server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      on_connect: socket => this.#welcome(socket),
      on_message: (socket, data) => this.#answer(socket, data),
      on_close: (socket, info) => this.#part(socket, info),
      on_error: error => {
        // A full queue is what this demo shows: whoever reads slowly is waited for.
        if (!is_full(error)) options.on_error(error)
      },
    })
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

  #welcome(socket: WsSocket): void {
    const people = Array.from(this.#guests.values(), ({ person }) => person)
    const id = this.#next_id
    this.#next_id += 1
    const name = free_name(new Set(people.map(person => person.name)))
    const guest = new Guest(socket, { id, name, color: (id - 1) % COLOR_COUNT })
    this.#guests.set(socket, guest)
    socket.send(message_text({ type: 'welcome', you: guest.person, people, key: guest.key }))
    this.#tell_others(socket, { type: 'joined', person: guest.person })
    this.#options.on_joined?.(guest.person, socket.addr)
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
        return this.#tell_others(socket, { type: 'chat', id, text: message.text })
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
    this.#options.on_left?.(guest.person, info)
  }

  #tell_others(except: WsSocket, message: ServerMessage): void {
    this.server.broadcast(message_text(message), { except })
  }
}
