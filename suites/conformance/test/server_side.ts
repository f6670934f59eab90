import { connect } from 'node:net'
import * as net from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { encode } from './frame.ts'
import { extension_line, type FrameCase } from './frame_case.ts'
import { exchange_frames, type Observed } from './frame_exchange.ts'
import { request_head } from './handshake.ts'
import { RawPeer, type Segmentation } from './raw_peer.ts'
import { no_events, type UserEvents } from './user_events.ts'

/** The options of a server, except callbacks. */
export type ServerOptions = Omit<net.WsListenOptions<boolean>, 'type' | 'bind' | `on_${string}`>

/** A connection to a server, as its user observes it. */
export interface ServerConnection {
  readonly events: UserEvents
  readonly closed: Promise<void>
}

interface Expected extends ServerConnection {
  on_connect(socket: net.WsSocket): void
  on_close(): void
}

/** Servers, one for each set of options. They identify connections by a name in the query of the request. */
export class ServerSide {
  readonly #servers = new Map<string, Promise<net.WsServer>>()
  readonly #expected = new Map<string, Expected>()
  #names = 0

  /** Returns the server with these options, which listens. */
  server(options: ServerOptions): Promise<net.WsServer> {
    const key = JSON.stringify(options)
    const server = this.#servers.get(key) ?? this.#listen(options)
    this.#servers.set(key, server)
    return server
  }

  /** Returns a raw peer that is connected to the server with these options. */
  async peer(options: ServerOptions): Promise<RawPeer> {
    const { addr } = await this.server(options)
    return new RawPeer(connect(Number(addr.split(':').at(-1)), '127.0.0.1'))
  }

  /** Returns a name for the query `?name=…` of a client, and the connection of the client with that name. */
  expect_client(on_connect: (socket: net.WsSocket) => void = () => {}): {
    readonly name: string
    readonly connection: ServerConnection
  } {
    const name = String(this.#names++)
    const { promise: closed, resolve: on_close } = deferred()
    const connection = { events: no_events(), closed, on_connect, on_close }
    this.#expected.set(name, connection)
    return { name, connection }
  }

  /** Runs a case of frames. */
  async run(test_case: FrameCase, segmentation: Segmentation): Promise<Observed> {
    const { name, connection } = this.expect_client(socket => {
      for (const data of test_case.user_sends ?? []) socket.send(data)
      if (test_case.ends.kind === 'user_closed') socket.close(...test_case.ends.with)
    })
    const peer = await this.peer(test_case.options ?? {})
    const start = `GET /ws?name=${name} HTTP/1.1`
    await peer.send(Buffer.from(request_head({ start, extensions: extension_line(test_case) })), 'whole')
    await peer.head()
    return exchange_frames(peer, test_case, sent => encode(sent, 'client'), segmentation, connection)
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) await (await server)[Symbol.asyncDispose]()
  }

  async #listen(options: ServerOptions): Promise<net.WsServer> {
    const expected_of = (socket: net.WsSocket): Expected => {
      const expected = this.#expected.get(socket.request.query.get('name') ?? '')
      if (expected === undefined) throw new Error('no case has opened this connection')
      return expected
    }
    const server = net.listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      ...options,
      on_connect: socket => expected_of(socket).on_connect(socket),
      on_message: (socket, data) => expected_of(socket).events.messages.push(data),
      on_error: error => {
        if (error.socket !== undefined) expected_of(error.socket).events.errors.push(error)
      },
      on_close: (socket, info) => {
        const expected = expected_of(socket)
        expected.events.infos.push(info)
        expected.on_close()
      },
    })
    await server.opened
    return server
  }
}
