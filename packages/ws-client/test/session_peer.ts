import { type Control, read_control, type Welcome, write_control } from '@bt/ws-protocol/internal'
import type { WebSocket } from 'ws'
import { start_ws_server } from './echo_server.js'

const NEW = { recovered: false, received: 0, handled: 0 }

/** A server's side of one socket of a session, which a test plays by hand. */
export class SessionPeer {
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

  /** Returns the next control message of a kind; those before it are skipped. */
  async control(type: Control['type']): Promise<Control> {
    for (;;) {
      const message = await this.next()
      if (typeof message === 'object' && 'type' in message && message.type === type) return message
    }
  }

  say(message: Control): void {
    this.ws.send(write_control(message))
  }

  /** Sends a message of the application. */
  send(message: string | Uint8Array): void {
    this.ws.send(typeof message === 'string' ? message : Uint8Array.of(1, ...message))
  }

  /** Returns the hello, which has to be the first message. */
  async hello(): Promise<Control> {
    const hello = await this.next()
    if (typeof hello === 'string' || hello instanceof Uint8Array || hello.type !== 'hello')
      throw new Error('the first message is no hello')
    return hello
  }

  say_welcome(welcome: Partial<Welcome> = {}): void {
    const limits = { window: 1_000_000, hold_ms: 1_000 }
    this.say({ type: 'welcome', ...NEW, token: Uint8Array.of(7), ...limits, protocol: '', ...welcome })
  }

  /** Answers the hello, and returns it. */
  async welcome(welcome: Partial<Welcome> = {}): Promise<Control> {
    const hello = await this.hello()
    this.say_welcome(welcome)
    return hello
  }
}

/** A server that speaks `bt.session.1` as the test says, and its sockets in order. */
export async function start_peers(): Promise<{ url: string; next: () => Promise<SessionPeer> }> {
  const come: SessionPeer[] = []
  let notify = (): void => {}
  const { url } = await start_ws_server(ws => {
    come.push(new SessionPeer(ws))
    notify()
  })
  const next = async (): Promise<SessionPeer> => {
    while (come.length === 0) await new Promise<void>(resolve => (notify = resolve))
    return come.shift() as SessionPeer
  }
  return { url, next }
}
