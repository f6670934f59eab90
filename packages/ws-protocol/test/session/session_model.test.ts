import { describe, expect, it } from 'vitest'
import {
  type Control,
  type Hello,
  read_control,
  type Welcome,
  write_control,
} from '../../src/session/control.js'
import { type Resumption, Session } from '../../src/session/session.js'
import { seeded_random, test_seed } from '../seeded_random.js'

const RUNS = 500
const STEPS = 150
const WINDOW = 1_000

/** A message of the application, or a control message as bytes. */
type Item = number | Uint8Array

/** What became of the messages of one side in one session. */
interface Account {
  /** How many were written. */
  sent: number
  /** Those that the other side has handled, in order. */
  readonly handled: number[]
  /** How many the sender did not know to be handled when the session was over. */
  in_doubt?: number
}

/** One side, with its session and what waits there. */
class Side {
  session = new Session(WINDOW)
  /** The messages that may have to be sent again. */
  kept: number[] = []
  /** The messages whose callback has not run, and the account that they belong to. */
  readonly inbox: { readonly message: number; readonly account: Account }[] = []
  account: Account = { sent: 0, handled: [] }
  /** Those of earlier sessions. */
  readonly accounts: Account[] = [this.account]

  forget(): void {
    this.kept = this.kept.slice(this.kept.length - this.session.unacknowledged)
  }

  /** Begins the account of a new session. */
  start_over(in_doubt: number): void {
    this.account.in_doubt = in_doubt
    this.account = { sent: 0, handled: [] }
    this.accounts.push(this.account)
    this.kept = []
  }
}

/** A client and a server, with one socket at a time, whose messages arrive one by one. */
class World {
  readonly client = new Side()
  server = new Side()
  /** What is on its way to the server and to the client; `undefined` without a socket. */
  #link: { readonly to_server: Item[]; readonly to_client: Item[] } | undefined
  /** The token of the session that the server remembers; 0 if there is none. */
  #token = 0
  /** The token that the client has got last. */
  #client_token = new Uint8Array()
  #tokens = 0

  connect(): void {
    if (this.#link !== undefined) return
    this.#link = { to_server: [], to_client: [] }
    this.#send(this.client, { type: 'hello', token: this.#client_token, ...this.client.session.greet() })
  }

  cut(): void {
    this.#link = undefined
    this.client.session.detach()
    this.server.session.detach()
  }

  /** The server forgets everything, and what waited for a callback there. */
  restart_server(): void {
    this.cut()
    this.#token = 0
  }

  write(side: Side): void {
    if (!side.session.is_attached) return
    const message = side.account.sent
    side.account.sent += 1
    side.kept.push(message)
    side.session.wrote(1)
    this.#outgoing(side)?.push(message)
  }

  handle(side: Side): void {
    const item = side.inbox.shift()
    if (item === undefined) return
    item.account.handled.push(item.message)
    side.session.did_handle()
  }

  acknowledge(side: Side): void {
    if (side.session.is_attached && side.session.untold > 0) this.#send(side, side.session.acknowledge())
  }

  /** Delivers what has been on its way to that side for longest. */
  deliver(side: Side): void {
    const other = side === this.client ? this.server : this.client
    const item = this.#outgoing(other)?.shift()
    if (item === undefined) return
    if (typeof item === 'number') {
      side.session.arrived()
      side.inbox.push({ message: item, account: other.account })
    } else this.#control(read_control(item) as Control, side)
  }

  #control(message: Control, side: Side): void {
    if (message.type === 'hello') this.#hello(message)
    else if (message.type === 'welcome') this.#welcome(message)
    else if (message.type === 'ack') {
      side.session.acknowledged_by(message.handled)
      side.forget()
    }
  }

  #hello(hello: Hello): void {
    const recovered = hello.token.length > 0 && hello.token[0] === this.#token
    if (!recovered) {
      this.#tokens += 1
      this.#token = this.#tokens
      const accounts = this.server.accounts
      this.server.account.in_doubt = this.server.session.unacknowledged
      this.server = new Side()
      this.server.accounts.push(...accounts)
    }
    const { session } = this.server
    const counts = session.greet()
    const resumption = session.resume(recovered ? hello : { ...hello, received: 0, handled: 0 })
    if (resumption === false) throw new Error('the client has forgotten what it said')
    const token = Uint8Array.of(this.#token)
    this.#send(this.server, { type: 'welcome', recovered, token, ...counts, hold_ms: 1, protocol: '' })
    this.#replay(this.server, resumption)
  }

  #welcome(welcome: Welcome): void {
    const { client } = this
    this.#client_token = new Uint8Array(welcome.token)
    const resumption = client.session.welcomed(welcome, false)
    expect(resumption.recovered).toBe(welcome.recovered)
    if (!resumption.recovered) client.start_over(resumption.in_doubt)
    this.#replay(client, resumption)
  }

  #replay(side: Side, { skip }: Resumption): void {
    side.forget()
    const again = side.kept.slice(skip)
    side.session.wrote_again(again.length)
    this.#outgoing(side)?.push(...again)
  }

  #send(side: Side, message: Control): void {
    this.#outgoing(side)?.push(write_control(message))
  }

  #outgoing(side: Side): Item[] | undefined {
    return side === this.client ? this.#link?.to_server : this.#link?.to_client
  }
}

/** Checks that messages were handled once and in order, and that the sender knows how many were not. */
function check(accounts: readonly Account[]): void {
  for (const { sent, handled, in_doubt } of accounts) {
    expect(handled).toEqual(handled.map((_, index) => index))
    expect(handled.length).toBeLessThanOrEqual(sent)
    if (in_doubt === undefined) expect(handled.length).toBe(sent)
    else {
      expect(in_doubt).toBeLessThanOrEqual(sent)
      expect(sent - handled.length).toBeLessThanOrEqual(in_doubt)
    }
  }
}

describe(`a session whose sockets are cut at random (TEST_SEED=${test_seed})`, () => {
  it.each([
    ['that goes on', 0],
    ['whose server loses its memory', 0.02],
  ])('%s, handles each message once and in order, or has it in its account', (_, restart_chance) => {
    for (let run = 0; run < RUNS; run += 1) {
      const random = seeded_random(test_seed + run)
      const world = new World()
      const sides = [() => world.client, () => world.server] as const
      const any = (): Side => (sides[random() < 0.5 ? 0 : 1] as () => Side)()
      for (let i = 0; i < STEPS; i += 1) {
        if (random() < restart_chance) world.restart_server()
        world.connect()
        const chance = random()
        if (chance < 0.06) world.cut()
        else if (chance < 0.3) world.write(any())
        else if (chance < 0.7) world.deliver(any())
        else if (chance < 0.9) world.handle(any())
        else world.acknowledge(any())
      }
      // What is on its way arrives at last.
      world.connect()
      for (let round = 0; round < 3; round += 1)
        for (const side of [world.server, world.client]) {
          for (let items = 0; items <= STEPS; items += 1) world.deliver(side)
          while (side.inbox.length > 0) world.handle(side)
          world.acknowledge(side)
        }
      for (const side of [world.client, world.server]) {
        check(side.accounts)
        expect(side.session.unacknowledged).toBe(0)
        expect(side.kept).toEqual([])
      }
    }
  })
})
