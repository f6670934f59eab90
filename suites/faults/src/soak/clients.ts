import { type CloseInfo, connect, type WsClient } from '@bt/net'
import { close_payload, OPCODE } from '@bt/test-support/frames'
import { RawPeer } from '../raw_peer.js'

/** What a client received over one connection. */
export interface ReceivedMessages {
  /** How many messages arrived; the server numbers them from 0. */
  count: number
  out_of_order: number
}

/** What a client knows about its messages. */
export interface ClientRecord {
  readonly id: number
  /** How many messages `send` accepted, and how many it returned an error for. */
  readonly accepted: number
  readonly rejected: number
  /** How many of the accepted messages were counted as unsent. */
  readonly unsent: number
  /** What it received, by the number that the server gives each connection. */
  readonly connections: ReadonlyMap<number, ReceivedMessages>
  /** Whether the client was the one to start leaving. */
  readonly is_leaving: boolean
  readonly reconnects: number
  /** Whether it had a message to send since its last reconnect; earlier ones were lost or had arrived. */
  readonly had_messages_to_send: boolean
}

/** A client of the soak, which connects, sends messages, and leaves. */
export interface SoakClient extends ClientRecord {
  /** Resolves when it has left: with `true` if it left cleanly, so that all it sent must have arrived. */
  readonly left: Promise<boolean>
  send(): void
  /** Leaves in a random way. */
  leave(random: () => number): void
  /** Leaves with a closing handshake. */
  leave_cleanly(): void
}

/** Returns what is kept of a client after it has left. */
export function record_of({
  id,
  accepted,
  rejected,
  unsent,
  connections,
  is_leaving,
  reconnects,
  had_messages_to_send,
}: SoakClient): ClientRecord {
  return { id, accepted, rejected, unsent, connections, is_leaving, reconnects, had_messages_to_send }
}

/** Reads the server's messages: first the number of the connection, then numbered messages. */
class MessageReader {
  readonly connections = new Map<number, ReceivedMessages>()
  #current: ReceivedMessages | undefined

  read(data: string): void {
    const [, connection] = /^connection (\d+)$/.exec(data) ?? []
    if (connection !== undefined) {
      this.#current = { count: 0, out_of_order: 0 }
      this.connections.set(Number(connection), this.#current)
    } else if (this.#current !== undefined) {
      if (Number.parseInt(data, 10) !== this.#current.count) this.#current.out_of_order += 1
      this.#current.count += 1
    }
  }
}

const message = (number: number): string => `${number} `.padEnd(100 + (number % 7) * 50, 'x')

/** A client made with `connect` of `@bt/net`. */
export class LibraryClient implements SoakClient {
  readonly id: number
  accepted = 0
  rejected = 0
  unsent = 0
  reconnects = 0
  had_messages_to_send = false
  is_leaving = false
  readonly left: Promise<boolean>
  readonly #reader = new MessageReader()
  readonly #ws: WsClient

  constructor(id: number, addr: string) {
    this.id = id
    this.#ws = connect({
      type: 'ws',
      url: `ws://${addr}/ws?client=${id}`,
      heartbeat: 2_000,
      close_timeout: 2_000,
      connect_timeout: 5_000,
      max_queue: 65_536,
      reconnect: { min_delay: 50, max_delay: 2_000 },
      on_message: data => this.#reader.read(data),
      on_error: () => {},
      on_reconnecting: ({ info }: { readonly info: CloseInfo }) => {
        this.reconnects += 1
        this.had_messages_to_send = this.#ws.queued > 0
        this.unsent += info.unsent
      },
    })
    this.left = this.#ws.closed.then(({ clean, unsent }) => {
      // The final count includes the messages that were lost before.
      this.unsent = unsent
      return clean
    })
  }

  get connections(): ReadonlyMap<number, ReceivedMessages> {
    return this.#reader.connections
  }

  send(): void {
    if (this.is_leaving) return
    if (this.#ws.send(message(this.accepted)) === true) {
      this.accepted += 1
      this.had_messages_to_send = true
    } else this.rejected += 1
  }

  leave(): void {
    this.leave_cleanly()
  }

  leave_cleanly(): void {
    this.is_leaving = true
    this.#ws.close()
  }
}

/** A client on a bare socket. */
export class RawClient implements SoakClient {
  readonly id: number
  accepted = 0
  readonly rejected = 0
  readonly unsent = 0
  readonly reconnects = 0
  readonly left: Promise<boolean>
  readonly #reader = new MessageReader()
  readonly #peer: RawPeer
  is_leaving = false
  #has_received_close = false
  #is_abrupt = false

  private constructor(id: number, peer: RawPeer) {
    this.id = id
    this.#peer = peer
    let read = 0
    peer.frames.until(frames => {
      for (; read < frames.length; read += 1) {
        const { opcode, payload } = frames[read] as (typeof frames)[number]
        if (opcode === OPCODE.TEXT) this.#reader.read(payload.toString())
        if (opcode === OPCODE.CLOSE) this.#has_received_close = true
      }
      peer.frames.entries.length = read = 0
      return false
    })
    peer.ended.then(() => peer.half_close())
    this.left = peer.closed.then(() => this.#has_received_close && this.is_leaving && !this.#is_abrupt)
  }

  static async connect(id: number, addr: string): Promise<RawClient> {
    return new RawClient(id, await RawPeer.open(addr, `/ws?client=${id}`))
  }

  get connections(): ReadonlyMap<number, ReceivedMessages> {
    return this.#reader.connections
  }

  get had_messages_to_send(): boolean {
    return this.accepted > 0
  }

  send(): void {
    if (this.is_leaving || this.#has_received_close || !this.#peer.socket.writable) return
    this.#peer.text(message(this.accepted))
    this.accepted += 1
  }

  leave(random: () => number): void {
    const way = random()
    if (way < 0.3) this.#reset()
    else if (way < 0.5) {
      this.#is_abrupt = this.is_leaving = true
      this.#peer.half_close()
    } else if (way < 0.7) {
      // It stops reading for a while, and stays.
      this.#peer.stop_reading()
      setTimeout(() => this.#peer.resume_reading(), random() * 3_000)
    } else if (way < 0.8) {
      // It stops reading for good, so that the heartbeat ends the connection.
      this.#peer.stop_reading()
      setTimeout(() => this.#reset(), 6_000)
    } else this.leave_cleanly()
  }

  leave_cleanly(): void {
    if (this.is_leaving) return
    this.is_leaving = true
    this.#peer.resume_reading()
    if (this.#peer.socket.writable) this.#peer.send(OPCODE.CLOSE, close_payload(1_000))
  }

  #reset(): void {
    this.#is_abrupt = this.is_leaving = true
    this.#peer.reset()
  }
}
