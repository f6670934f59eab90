import { createServer, type Server, type Socket } from 'node:net'
import * as net from '@bt/net'
import { accept_of } from '@bt/test-support/handshake'
import { encode } from './frame.ts'
import { extension_line, type FrameCase } from './frame_case.ts'
import { answer_head } from './handshake.ts'
import { type Observed, play_frames } from './play_frames.ts'
import { RawPeer, type Segmentation } from './raw_peer.ts'
import { type Told, told_nothing } from './told.ts'

/** Options of a client, but for its callbacks. */
export type ClientOptions = Omit<net.WsConnectOptions<boolean>, 'type' | 'url' | `on_${string}`>

/** A client of ours, and the bare socket that it has opened. */
export interface Pair {
  readonly ws: net.WsClient<string | Uint8Array>
  readonly told: Told
  readonly peer: RawPeer
  /** The head of the request. */
  readonly request: string
  /** What has to be answered to the key of the request. */
  readonly accept: string
}

/** A bare server, to which clients of ours connect. */
export class ClientSide {
  readonly #server: Server = createServer()
  readonly #listening: Promise<void>

  constructor() {
    this.#listening = new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  /** Lets a client of ours connect, and reads its request. */
  async connect(options: ClientOptions, on_open?: (ws: Pair['ws']) => void): Promise<Pair> {
    await this.#listening
    const { port } = this.#server.address() as { port: number }
    const accepted = new Promise<Socket>(resolve => this.#server.once('connection', resolve))
    const told = told_nothing()
    const ws = net.connect({ type: 'ws', url: `ws://127.0.0.1:${port}/ws`, ...options })
    ws.on_message(data => told.messages.push(data))
    ws.on_error(error => told.errors.push(error))
    ws.on_close(info => told.infos.push(info))
    ws.on_open(() => on_open?.(ws))
    const peer = new RawPeer(await accepted)
    const request = await peer.head()
    const [, key = ''] = /^sec-websocket-key: (.*)\r$/im.exec(request) ?? []
    return { ws, told, peer, request, accept: accept_of(key) }
  }

  /** Plays a case of frames. */
  async play(each: FrameCase, segmentation: Segmentation): Promise<Observed> {
    const { ws, told, peer, accept } = await this.connect(each.options ?? {}, opened => {
      for (const data of each.user_sends ?? []) opened.send(data)
      if (each.ends.kind === 'user_closed') opened.close(...each.ends.with)
    })
    const head = answer_head(accept, { extensions: extension_line(each) })
    await peer.send(Buffer.from(head), 'whole')
    const closed = ws.closed.then(() => {})
    return play_frames(peer, each, sent => encode(sent, 'server'), segmentation, { told, closed })
  }

  async close(): Promise<void> {
    await new Promise(resolve => this.#server.close(resolve))
  }
}
