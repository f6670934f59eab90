import { once } from 'node:events'
import { type Control, read_control, SESSION_PROTOCOL, write_control } from '@bt/ws-protocol/internal'
import { WebSocket } from 'ws'
import type { WsServer } from '../../src/index.js'

type Item = string | Uint8Array | Control | { readonly type: 'close'; readonly code: number }

/** A client that speaks `bt.session.1` by hand, on one connection. */
export class SessionPeer {
  readonly ws: WebSocket
  /** What has arrived and was not taken. */
  readonly #arrived: Item[] = []
  #wake = (): void => {}

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('error', () => {})
    ws.on('message', (data: Buffer, is_binary) => this.#add(is_binary ? parsed(data) : String(data)))
    ws.on('close', code => this.#add({ type: 'close', code }))
  }

  /** Connects, and says nothing yet. */
  static async open(
    server: Pick<WsServer, 'addr'>,
    protocols: readonly string[] = [],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<SessionPeer> {
    const base = server.addr.startsWith('unix:') ? `ws+${server.addr}:` : `ws://${server.addr}`
    const ws = new WebSocket(`${base}/ws`, [SESSION_PROTOCOL, ...protocols], { headers })
    const peer = new SessionPeer(ws)
    await once(ws, 'open')
    return peer
  }

  /** Connects, and asks for a session; an empty token for a new one. */
  static async greeted(
    server: Pick<WsServer, 'addr'>,
    token: Uint8Array = new Uint8Array(),
    counts: { readonly received?: number; readonly handled?: number; readonly window?: number } = {},
    headers: Readonly<Record<string, string>> = {},
  ): Promise<SessionPeer> {
    const peer = await SessionPeer.open(server, [], headers)
    peer.control({ type: 'hello', token, received: 0, handled: 0, window: 262_144, ...counts })
    return peer
  }

  control(message: Control): void {
    this.ws.send(write_control(message))
  }

  send(data: string | Uint8Array): void {
    this.ws.send(typeof data === 'string' ? data : Uint8Array.of(1, ...data))
  }

  /** Resolves with the next thing that arrives. */
  async next(): Promise<Item> {
    for (;;) {
      const item = this.#arrived.shift()
      if (item !== undefined) return item
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Resolves with the next control message of a kind; what comes before it has to be of `skipping` kinds. */
  async next_control<Kind extends Control['type']>(
    type: Kind,
    skipping: readonly string[] = ['ack', 'pong'],
  ): Promise<Control & { readonly type: Kind }> {
    for (;;) {
      const item = await this.next()
      if (typeof item === 'object' && 'type' in item) {
        if (item.type === type) return item as Control & { readonly type: Kind }
        if (skipping.includes(item.type)) continue
      }
      throw new Error(`expected ${type}, got ${JSON.stringify(item)}`)
    }
  }

  /** Resolves with the code of the Close, and ignores what comes before it. */
  async closed(): Promise<number> {
    for (;;) {
      const item = await this.next()
      if (typeof item === 'object' && 'type' in item && item.type === 'close') return item.code
    }
  }

  /** Ends the connection without a Close. */
  cut(): void {
    this.ws.terminate()
  }

  #add(item: Item): void {
    this.#arrived.push(item)
    this.#wake()
  }
}

function parsed(data: Uint8Array): Item {
  if (data[0] === 1) return Uint8Array.from(data.subarray(1))
  const control = read_control(Uint8Array.from(data))
  if (control === undefined) throw new Error('a binary message is neither kind')
  return control
}
