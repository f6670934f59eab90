import { account_for, Conversation } from '@bt/test-support/conversation'
import { afterEach, describe, expect, it } from 'vitest'
import { connect, listen, refuse, type WsClient, type WsServer, type WsSocket } from '../../src/index.js'
import { type MemoryNetwork, memory_network } from '../../src/testing/index.js'

const BIND = 'chat.example:80'
const HEARTBEAT_MS = 25_000
/** A silent peer is given up after twice the heartbeat, and found at the next check. */
const NOTICED_MS = 2.1 * HEARTBEAT_MS
/** The upper bound of all delays before an attempt, and a second for the attempt itself. */
const BACK_MS = 21_000
const MINUTE_MS = 60_000
/** How often both sides say something: while nothing happens, and while the time counts. */
const CALM_STEP_MS = 10_000
const STEP_MS = 1_000

/** A server that restarts, and a client, which talk to each other. */
class Hour {
  readonly network: MemoryNetwork = memory_network({ manual_clock: true, latency_ms: 20 })
  readonly of_client: Conversation = new Conversation()
  readonly of_server: Conversation = new Conversation()
  readonly refused: (number | undefined)[] = []
  now_ms = 0
  /** When the connection was open, and when that was over, in turns. */
  readonly opened_ms: number[] = []
  readonly lost_ms: number[] = []
  server: WsServer
  readonly ws: WsClient
  #socket: WsSocket | undefined
  /** Tokens that were not used yet. */
  readonly #tokens = new Set<string>()
  #issued = 0
  #is_next_token_expired = false

  constructor() {
    this.server = this.#listen()
    this.ws = connect({
      type: 'mem',
      network: this.network,
      url: () => `ws://${BIND}/ws?token=${this.#issue_token()}`,
      heartbeat: HEARTBEAT_MS,
      reconnect: {
        retries: (info, error) => {
          if (info.code === 4401) return true
          const { status } = (error?.cause ?? {}) as { readonly status?: number }
          if (info.cause === 'refused') this.refused.push(status)
          return status === 401 ? true : undefined
        },
      },
      on_open: () => void this.opened_ms.push(this.now_ms),
      on_message: text => this.of_client.hear(text),
      on_reconnecting: ({ info }) => {
        if (this.opened_ms.length === this.lost_ms.length) return
        this.lost_ms.push(this.now_ms)
        this.of_client.lost(info.unsent)
      },
      on_error: () => {},
    })
  }

  /** Lets time pass while both sides talk. */
  async pass(ms: number): Promise<void> {
    for (const end_ms = this.now_ms + ms; this.now_ms < end_ms; )
      await this.#step(Math.min(CALM_STEP_MS, end_ms - this.now_ms))
  }

  /** Returns the milliseconds until the client has noticed that its connection is dead. */
  until_noticed(): Promise<number> {
    const lost = this.lost_ms.length
    return this.#until(() => this.lost_ms.length > lost)
  }

  /** Returns the milliseconds until the client is open. */
  until_open(): Promise<number> {
    return this.#until(() => this.ws.state === 'open')
  }

  /** Makes the token of the connection, and the next one, expire. */
  expire_tokens(): void {
    this.#is_next_token_expired = true
    this.#socket?.close(4401, 'the token has expired')
  }

  restart(spread_ms: number): void {
    this.server.close({ spread_ms, late: 'delivered' })
    this.server.closed.then(() => {
      this.server = this.#listen()
    })
  }

  async #until(is_reached: () => boolean): Promise<number> {
    const began_ms = this.now_ms
    while (!is_reached() && this.now_ms < began_ms + 10 * MINUTE_MS) await this.#step(STEP_MS)
    return this.now_ms - began_ms
  }

  async #step(ms: number): Promise<void> {
    this.of_client.say(text => this.ws.send(text) === true)
    if (this.#socket !== undefined) this.of_server.say(text => this.#socket?.send(text) === true)
    this.now_ms += ms
    await this.network.advance(ms)
  }

  #issue_token(): string {
    this.#issued += 1
    const token = String(this.#issued)
    if (!this.#is_next_token_expired) this.#tokens.add(token)
    this.#is_next_token_expired = false
    return token
  }

  #listen(): WsServer {
    return listen({
      type: 'mem',
      network: this.network,
      bind: BIND,
      heartbeat: HEARTBEAT_MS,
      authorize: ({ query }) =>
        this.#tokens.delete(query.get('token') ?? '') ? true : refuse(401, 'get a new token'),
      on_connect: socket => {
        this.#socket = socket
      },
      on_message: (_socket, text) => this.of_server.hear(text),
      on_close: (socket, info) => {
        if (socket === this.#socket) this.#socket = undefined
        this.of_server.lost(info.unsent)
      },
      on_error: () => {},
    })
  }
}

let hour: Hour

afterEach(() => {
  hour.ws.terminate()
  hour.server.close({ now: true })
})

describe('an hour of trouble', () => {
  it('loses no message without a sign, and is over for the client as soon as it can be', async () => {
    hour = new Hour()
    const { network, ws } = hour
    await hour.until_open()
    for (let expiry = 0; expiry < 3; expiry += 1) {
      await hour.pass(3 * MINUTE_MS)
      hour.expire_tokens()
      expect(await hour.until_noticed()).toBeLessThanOrEqual(STEP_MS)
      expect(await hour.until_open()).toBeLessThanOrEqual(2 * STEP_MS)
    }
    expect(hour.refused).toEqual([401, 401, 401])
    for (const offline_ms of [10_000, 5 * MINUTE_MS]) {
      await hour.pass(3 * MINUTE_MS)
      network.stop()
      expect(await hour.until_noticed()).toBeLessThanOrEqual(STEP_MS)
      await hour.pass(offline_ms)
      expect(ws.state).toBe('reconnecting')
      network.restart()
      expect(await hour.until_open()).toBeLessThanOrEqual(BACK_MS)
    }
    await hour.pass(3 * MINUTE_MS)
    hour.restart(10_000)
    expect(await hour.until_noticed()).toBeLessThanOrEqual(STEP_MS)
    expect(await hour.until_open()).toBeLessThanOrEqual(10_000 + STEP_MS)

    // The wire is frozen: nothing arrives on either side any more, and no reset either.
    await hour.pass(3 * MINUTE_MS)
    network.link(ws).freeze()
    expect(await hour.until_noticed()).toBeLessThanOrEqual(NOTICED_MS)
    expect(await hour.until_open()).toBeLessThanOrEqual(BACK_MS)

    // The server has given up on a client that was away, such as one whose process was stopped.
    await hour.pass(3 * MINUTE_MS)
    network.link(ws).cut('server')
    expect(await hour.until_noticed()).toBeLessThanOrEqual(NOTICED_MS)
    expect(await hour.until_open()).toBeLessThanOrEqual(BACK_MS)

    await hour.pass(60 * MINUTE_MS - hour.now_ms)
    expect([ws.state, hour.lost_ms.length]).toEqual(['open', 8])
    const to_server = account_for(hour.of_client.record, hour.of_server.record)
    const to_client = account_for(hour.of_server.record, hour.of_client.record)
    const nothing_wrong = { rejected: 0, delivered_twice: 0, out_of_order: 0, unexplained: [] }
    expect(to_server).toMatchObject(nothing_wrong)
    // The server does not keep what it sends to a client that has left: it is refused.
    expect(to_client).toMatchObject({ ...nothing_wrong, rejected: expect.any(Number) })
    // Lost is what was under way, at most: all that was sent until a dead connection was noticed, and one message
    // of each other connection that has ended.
    const most_lost = (2 * NOTICED_MS) / STEP_MS + 6
    for (const { accepted, delivered } of [to_server, to_client]) {
      expect(accepted).toBeGreaterThan(300)
      expect(accepted - delivered).toBeLessThanOrEqual(most_lost)
    }
  })
})
