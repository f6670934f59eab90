import { connect } from 'node:net'
import * as net from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { encode } from './frame.ts'
import { extension_line, type FrameCase } from './frame_case.ts'
import { request_head } from './handshake.ts'
import { type Observed, play_frames } from './play_frames.ts'
import { RawPeer, type Segmentation } from './raw_peer.ts'
import { type Told, told_nothing } from './told.ts'

/** Options of a server, but for its callbacks. */
export type ServerOptions = Omit<net.WsListenOptions<boolean>, 'type' | 'bind' | `on_${string}`>

/** One connection to a server, as its user sees it. */
export interface ServerConnection {
  readonly told: Told
  readonly closed: Promise<void>
}

interface Expected extends ServerConnection {
  on_connect(socket: net.WsSocket): void
  on_close(): void
}

/** Servers of ours, one for each set of options, and what their users are told, by the name that a client gives in its query. */
export class ServerSide {
  readonly #servers = new Map<string, Promise<net.WsServer>>()
  readonly #expected = new Map<string, Expected>()
  #names = 0

  /** The server with these options, which listens. */
  server(options: ServerOptions): Promise<net.WsServer> {
    const key = JSON.stringify(options)
    const server = this.#servers.get(key) ?? this.#listen(options)
    this.#servers.set(key, server)
    return server
  }

  /** A bare socket to the server with these options. */
  async peer(options: ServerOptions): Promise<RawPeer> {
    const { addr } = await this.server(options)
    return new RawPeer(connect(Number(addr.split(':').at(-1)), '127.0.0.1'))
  }

  /** A name that a client gives as `?name=…`, and what the user is told of that client. */
  expect_client(on_connect: (socket: net.WsSocket) => void = () => {}): {
    readonly name: string
    readonly connection: ServerConnection
  } {
    const name = String(this.#names++)
    const { promise: closed, resolve: on_close } = deferred()
    const connection = { told: told_nothing(), closed, on_connect, on_close }
    this.#expected.set(name, connection)
    return { name, connection }
  }

  /** Plays a case of frames. */
  async play(each: FrameCase, segmentation: Segmentation): Promise<Observed> {
    const { name, connection } = this.expect_client(socket => {
      for (const data of each.user_sends ?? []) socket.send(data)
      if (each.ends.kind === 'user_closed') socket.close(...each.ends.with)
    })
    const peer = await this.peer(each.options ?? {})
    const start = `GET /ws?name=${name} HTTP/1.1`
    await peer.send(Buffer.from(request_head({ start, extensions: extension_line(each) })), 'whole')
    await peer.head()
    return play_frames(peer, each, sent => encode(sent, 'client'), segmentation, connection)
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) await (await server)[Symbol.asyncDispose]()
  }

  async #listen(options: ServerOptions): Promise<net.WsServer> {
    const expected_of = (socket: net.WsSocket): Expected => {
      const expected = this.#expected.get(socket.request.query.get('name') ?? '')
      if (expected === undefined) throw new Error('a connection that no case opened')
      return expected
    }
    const server = net.listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      ...options,
      on_connect: socket => expected_of(socket).on_connect(socket),
      on_message: (socket, data) => expected_of(socket).told.messages.push(data),
      on_error: error => {
        if (error.socket !== undefined) expected_of(error.socket).told.errors.push(error)
      },
      on_close: (socket, info) => {
        const expected = expected_of(socket)
        expected.told.infos.push(info)
        expected.on_close()
      },
    })
    await server.opened
    return server
  }
}
