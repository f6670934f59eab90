import type { NetError } from '@bt/ws-protocol'
import { type Control, read_control, type Welcome, write_control } from '@bt/ws-protocol/internal'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { connect, type SessionOpening, type WsClient, type WsConnectOptions } from '../../src/index.js'
import { session } from '../../src/session.js'
import { start_ws_server, stop_all } from '../echo_server.js'

afterEach(stop_all)

const reconnect = { min_delay: 1, max_delay: 1 }
const NEW = { recovered: false, received: 0, handled: 0 }

/** A server's side of one socket of a session, which a test plays by hand. */
class Peer {
  readonly ws: WebSocket
  readonly #arrived: (string | Uint8Array)[] = []
  #notify = (): void => {}

  constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('message', (data, is_binary) => {
      this.#arrived.push(is_binary ? new Uint8Array(data as Buffer) : String(data))
      this.#notify()
    })
  }

  /** Returns the next message: text, the bytes of the application, or a control message. */
  async next(): Promise<string | Uint8Array | Control> {
    while (this.#arrived.length === 0) await new Promise<void>(resolve => (this.#notify = resolve))
    const data = this.#arrived.shift() as string | Uint8Array
    if (typeof data === 'string') return data
    return data[0] === 1 ? data.subarray(1) : (read_control(data) as Control)
  }

  /** Returns the next `count` messages of the application. */
  async messages(count: number): Promise<(string | Uint8Array)[]> {
    const messages: (string | Uint8Array)[] = []
    while (messages.length < count) {
      const message = await this.next()
      if (typeof message === 'string' || message instanceof Uint8Array) messages.push(message)
    }
    return messages
  }

  say(message: Control): void {
    this.ws.send(write_control(message))
  }

  async welcome(welcome: Partial<Welcome> = {}): Promise<Control> {
    const hello = await this.next()
    if (typeof hello === 'string' || hello instanceof Uint8Array || hello.type !== 'hello')
      throw new Error('the first message is no hello')
    this.say({
      type: 'welcome',
      ...NEW,
      token: Uint8Array.of(7),
      window: 1_000_000,
      hold_ms: 1_000,
      protocol: '',
      ...welcome,
    })
    return hello
  }
}

/** A server that speaks `bt.session.1` as the test says, and its sockets in order. */
async function start_peers(): Promise<{ url: string; next: () => Promise<Peer> }> {
  const come: Peer[] = []
  let notify = (): void => {}
  const { url } = await start_ws_server(ws => {
    come.push(new Peer(ws))
    notify()
  })
  const next = async (): Promise<Peer> => {
    while (come.length === 0) await new Promise<void>(resolve => (notify = resolve))
    return come.shift() as Peer
  }
  return { url, next }
}

interface Heard {
  readonly openings: SessionOpening[]
  readonly errors: NetError[]
  readonly messages: (string | Uint8Array)[]
  readonly ws: WsClient<string | Uint8Array>
}

function start(url: string, options: Partial<WsConnectOptions<boolean>> = {}): Heard {
  const [openings, errors, messages]: [SessionOpening[], NetError[], (string | Uint8Array)[]] = [[], [], []]
  const ws = connect({
    type: 'ws',
    url,
    reconnect,
    session: session(),
    on_open: (opening: SessionOpening) => openings.push(opening),
    on_message: data => messages.push(data),
    on_error: err => errors.push(err),
    ...options,
  } as WsConnectOptions<boolean>)
  return { openings, errors, messages, ws }
}

const ack = (handled: number): Control => ({ type: 'ack', handled })

describe('a client with a session', () => {
  it('offers it first, asks for a new one, and opens when the server has answered', async () => {
    const { url, next } = await start_peers()
    const { ws, openings } = start(url, { protocols: ['chat'] })
    const peer = await next()
    expect(peer.ws.protocol).toBe('bt.session.1')
    expect(ws.state).toBe('connecting')
    const hello = await peer.welcome({ protocol: 'chat' })
    expect(hello).toEqual({
      type: 'hello',
      token: new Uint8Array(),
      received: 0,
      handled: 0,
      window: 262_144,
    })
    await ws.opened
    expect(ws.protocol).toBe('chat')
    expect(openings).toEqual([{ recovered: false, in_doubt: 0 }])
    ws.terminate()
  })

  it('goes on after a loss: sends again what was lost, and no message twice', async () => {
    const { url, next } = await start_peers()
    const { ws, openings, messages } = start(url, { binary: true })
    const first = await next()
    await first.welcome()
    for (const message of ['one', 'two', Uint8Array.of(3), 'four']) ws.send(message)
    expect(await first.messages(4)).toEqual(['one', 'two', Uint8Array.of(3), 'four'])
    first.ws.send('from the server')
    first.say(ack(1))
    await first.next()
    first.ws.terminate()
    const second = await next()
    const hello = await second.welcome({ recovered: true, token: Uint8Array.of(8), received: 2, handled: 1 })
    expect(hello).toMatchObject({ token: Uint8Array.of(7), received: 1, handled: 1 })
    ws.send('five')
    expect(await second.messages(3)).toEqual([Uint8Array.of(3), 'four', 'five'])
    const acknowledged = ws.acknowledged()
    second.say(ack(5))
    await acknowledged
    expect(openings).toEqual([
      { recovered: false, in_doubt: 0 },
      { recovered: true, in_doubt: 0 },
    ])
    expect(messages).toEqual(['from the server'])
    ws.terminate()
  })
})
