import { createServer, type Server, type Socket } from 'node:net'
import * as net from '@bt/net'
import { accept_of } from '@bt/test-support/handshake'
import { encode } from './frame.ts'
import { extension_line, type FrameCase } from './frame_case.ts'
import { exchange_frames, type Observed } from './frame_exchange.ts'
import { response_head } from './handshake.ts'
import { RawPeer, type Segmentation } from './raw_peer.ts'
import { no_events, type UserEvents } from './user_events.ts'

/** The options of a client, except callbacks. */
export type ClientOptions = Omit<net.WsConnectOptions<boolean>, 'type' | 'url' | `on_${string}`>

/** A client, and the other end of its socket. */
export interface ConnectedClient {
  readonly ws: net.WsClient<string | Uint8Array>
  readonly events: UserEvents
  readonly peer: RawPeer
  /** The head of the request. */
  readonly request: string
  /** The right Sec-WebSocket-Accept for the request. */
  readonly accept: string
}

/** A server on bare sockets, to which our clients connect. */
export class ClientSide {
  readonly #server: Server = createServer()
  readonly #listening: Promise<void>

  constructor() {
    this.#listening = new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** Connects a client, and reads its request. */
  async connect(
    options: ClientOptions,
    on_open?: (ws: ConnectedClient['ws']) => void,
  ): Promise<ConnectedClient> {
    await this.#listening
    const { port } = this.#server.address() as { port: number }
    const accepted = new Promise<Socket>(resolve => this.#server.once('connection', resolve))
    const events = no_events()
    const ws = net.connect({ type: 'ws', url: `ws://127.0.0.1:${port}/ws`, ...options })
    ws.on_message(data => events.messages.push(data))
    ws.on_error(error => events.errors.push(error))
    ws.on_close(info => events.infos.push(info))
    ws.on_open(() => on_open?.(ws))
    const peer = new RawPeer(await accepted)
    const request = await peer.head()
    const [, key = ''] = /^sec-websocket-key: (.*)\r$/im.exec(request) ?? []
    return { ws, events, peer, request, accept: accept_of(key) }
  }

  /** Runs a case of frames. */
  async run(test_case: FrameCase, segmentation: Segmentation): Promise<Observed> {
    const { ws, events, peer, accept } = await this.connect(test_case.options ?? {}, opened => {
      for (const data of test_case.user_sends ?? []) opened.send(data)
      if (test_case.ends.kind === 'user_closed') opened.close(...test_case.ends.with)
    })
    const head = response_head(accept, { extensions: extension_line(test_case) })
    await peer.send(Buffer.from(head), 'whole')
    const closed = ws.closed.then(() => {})
    return exchange_frames(peer, test_case, sent => encode(sent, 'server'), segmentation, { events, closed })
  }

  async close(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve))
  }
}
