import { type CloseInfo, connect, type WsClient } from '@bt/net'
import { close_payload, OPCODE } from '@bt/test-support/frames'
import { Wire } from '../wire.js'

/** What a client saw of one connection. */
export interface ClientLife {
  /** Messages that came, in order from 0 on. */
  received: number
  out_of_order: number
}

/** What a client knows of its messages. */
export interface GuestAccount {
  readonly id: number
  /** What `send` took, and what it gave back as an error. */
  readonly taken: number
  readonly refused: number
  /** How many of the messages that it took were counted as unsent. */
  readonly unsent: number
  /** What it saw, by the number that the server gives each connection. */
  readonly lives: ReadonlyMap<number, ClientLife>
  /** Whether it was this one who began to leave. */
  readonly is_leaving: boolean
  /** How often it came back. */
  readonly returns: number
  /** Whether there was something to send since it came back last: what it had handed over before was lost, or had arrived. */
  readonly had_to_send: boolean
}

/** One who comes, sends, and leaves. */
export interface Guest extends GuestAccount {
  /** Has left: whether in order, so that all that was sent has to have arrived. */
  readonly left: Promise<boolean>
  send(): void
  /** Leaves, somehow. */
  leave(random: () => number): void
  /** Leaves in order. */
  leave_in_order(): void
}

/** What is kept of one who has left. */
export function account_of({
  id,
  taken,
  refused,
  unsent,
  lives,
  is_leaving,
  returns,
  had_to_send,
}: Guest): GuestAccount {
  return { id, taken, refused, unsent, lives, is_leaving, returns, had_to_send }
}

/** Reads what the server says: first which connection this is, then numbered messages. */
class Reader {
  readonly lives = new Map<number, ClientLife>()
  #now: ClientLife | undefined

  read(data: string): void {
    if (data.startsWith('life ')) {
      this.#now = { received: 0, out_of_order: 0 }
      this.lives.set(Number(data.slice(5)), this.#now)
    } else if (this.#now !== undefined) {
      if (Number.parseInt(data, 10) !== this.#now.received) this.#now.out_of_order += 1
      this.#now.received += 1
    }
  }
}

const message = (number: number): string => `${number} `.padEnd(100 + (number % 7) * 50, 'x')

/** A client of ours. */
export class OurGuest implements Guest {
  readonly id: number
  taken = 0
  refused = 0
  unsent = 0
  returns = 0
  had_to_send = false
  is_leaving = false
  readonly left: Promise<boolean>
  readonly #reader = new Reader()
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
        this.returns += 1
        this.had_to_send = this.#ws.queued > 0
        this.unsent += info.unsent
      },
    })
    this.left = this.#ws.closed.then(({ clean, unsent }) => {
      // It counts those that were lost before, too.
      this.unsent = unsent
      return clean
    })
  }

  get lives(): ReadonlyMap<number, ClientLife> {
    return this.#reader.lives
  }

  send(): void {
    if (this.is_leaving) return
    if (this.#ws.send(message(this.taken)) === true) {
      this.taken += 1
      this.had_to_send = true
    } else this.refused += 1
  }

  leave(): void {
    this.leave_in_order()
  }

  leave_in_order(): void {
    this.is_leaving = true
    this.#ws.close()
  }
}

/** A peer on a bare socket. */
export class BareGuest implements Guest {
  readonly id: number
  taken = 0
  readonly refused = 0
  readonly unsent = 0
  readonly returns = 0
  readonly left: Promise<boolean>
  readonly #reader = new Reader()
  readonly #wire: Wire
  is_leaving = false
  #is_clean = false
  #is_reset = false

  private constructor(id: number, wire: Wire) {
    this.id = id
    this.#wire = wire
    let seen = 0
    wire.frames.until(frames => {
      for (; seen < frames.length; seen += 1) {
        const { opcode, payload } = frames[seen] as (typeof frames)[number]
        if (opcode === OPCODE.TEXT) this.#reader.read(payload.toString())
        if (opcode === OPCODE.CLOSE) this.#is_clean = true
      }
      wire.frames.entries.length = seen = 0
      return false
    })
    wire.ended.then(() => wire.half_close())
    this.left = wire.closed.then(() => this.#is_clean && this.is_leaving && !this.#is_reset)
  }

  static async come(id: number, addr: string): Promise<BareGuest> {
    return new BareGuest(id, await Wire.open(addr, `/ws?client=${id}`))
  }

  get lives(): ReadonlyMap<number, ClientLife> {
    return this.#reader.lives
  }

  get had_to_send(): boolean {
    return this.taken > 0
  }

  send(): void {
    if (this.is_leaving || this.#is_clean || !this.#wire.socket.writable) return
    this.#wire.text(message(this.taken))
    this.taken += 1
  }

  leave(random: () => number): void {
    const how = random()
    if (how < 0.3) this.#reset()
    else if (how < 0.5) {
      this.#is_reset = this.is_leaving = true
      this.#wire.half_close()
    } else if (how < 0.7) {
      // Reads nothing for a while, and goes on.
      this.#wire.stop_reading()
      setTimeout(() => this.#wire.resume_reading(), random() * 3_000)
    } else if (how < 0.8) {
      // Reads nothing any more, until the heartbeat has ended it.
      this.#wire.stop_reading()
      setTimeout(() => this.#reset(), 6_000)
    } else this.leave_in_order()
  }

  leave_in_order(): void {
    if (this.is_leaving) return
    this.is_leaving = true
    this.#wire.resume_reading()
    if (this.#wire.socket.writable) this.#wire.send(OPCODE.CLOSE, close_payload(1_000))
  }

  #reset(): void {
    this.#is_reset = this.is_leaving = true
    this.#wire.reset()
  }
}
