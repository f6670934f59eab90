import {
  type CloseInfo,
  type ConnectionHandle,
  type ConnectionOptions,
  connect,
  listen,
  type WsServer,
  type WsServerStats,
} from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { AsyncQueue } from './async_queue.ts'
import { type Endpoint, FrameRelay } from './frame_relay.ts'
import type { PeerEvent, PeerOptions, PeerProgram } from './peer_program.ts'
import type { ServerAccess } from './server_access.ts'

type Data = string | Uint8Array

/** The options for both sides of a connection. */
export interface PairOptions {
  /** The subprotocols of our side, and those of the peer. */
  readonly protocols?: { readonly ours: readonly string[]; readonly peer: readonly string[] }
  /** Whether both sides compress, or the offers of the peer. */
  readonly compression?: PeerOptions['compression']
  /** Whether our side accepts binary messages. */
  readonly binary?: boolean
  /** The heartbeat of our side, in milliseconds. */
  readonly heartbeat?: number
}

/** Our side of a connection. */
export interface OurSide {
  readonly handle: ConnectionHandle
  /** The subprotocol that was negotiated. */
  readonly protocol: string
  readonly closed: Promise<CloseInfo>
  readonly messages: AsyncQueue<Data>
  /** The codes of the errors that `on_error` received. */
  readonly errors: readonly string[]
}

/** A connection between our side and a peer, through a relay. */
export interface Pair {
  readonly ours: OurSide
  readonly peer: PeerProgram
  readonly relay: FrameRelay
  readonly our_endpoint: Endpoint
  readonly peer_endpoint: Endpoint
  /** Closes whatever is still open. */
  end(): Promise<void>
}

/** Connects a peer's client to a server of ours. */
export async function open_to_our_server(
  peer: PeerProgram,
  options: PairOptions,
  access: ServerAccess,
): Promise<Pair> {
  const { our_options, peer_options } = split_options(options)
  const messages = new AsyncQueue<Data>()
  const errors: string[] = []
  const { promise: opened, resolve: connected } = deferred<OurSide>()
  const server = listen({
    ...our_options,
    bind: '127.0.0.1:0',
    on_connect: handle =>
      connected({ handle, protocol: handle.request.protocol, closed: handle.closed, messages, errors }),
    on_message: (_socket, data) => messages.push(data),
    on_error: error => errors.push(error.code),
  })
  const relay = await FrameRelay.start(await port_of(server))
  peer.connect(access.peer_url(relay.port), peer_options)
  await expect_open(peer)
  return create_pair(await opened, peer, relay, 'server', async () => {
    server.close()
    await server.closed
  })
}

/**
 * Lets a peer's client try to connect to a server of ours, and returns the event that it reports with the
 * server's stats.
 */
export async function try_to_connect(
  peer: PeerProgram,
  { route = '/ws', ...options }: PairOptions & { readonly route?: string },
  access: ServerAccess,
): Promise<{ event: PeerEvent; stats: WsServerStats }> {
  const { our_options, peer_options } = split_options(options)
  // A client that gives up may leave its socket open, as undici does.
  const server = listen({ ...our_options, bind: '127.0.0.1:0', route, close_timeout: 100 })
  peer.connect(access.peer_url(await port_of(server)), peer_options)
  const event = await peer.next()
  const stats = server.stats()
  server.close()
  await server.closed
  await peer.wait_until_closed()
  return { event, stats }
}

/** Connects our client to a peer's server. */
export async function open_to_peer_server(
  peer: PeerProgram,
  options: PairOptions,
  access: ServerAccess,
): Promise<Pair> {
  const { our_options, peer_options } = split_options(options)
  const messages = new AsyncQueue<Data>()
  const errors: string[] = []
  const relay = await FrameRelay.start(await peer.listen(peer_options))
  const handle = connect({
    ...our_options,
    url: access.our_url(relay.port),
    tls: access.our_tls(),
    on_message: data => messages.push(data),
    on_error: error => errors.push(error.code),
  })
  await handle.opened
  await expect_open(peer)
  const ours = { handle, protocol: handle.protocol, closed: handle.closed, messages, errors }
  return create_pair(ours, peer, relay, 'client', async () => {})
}

/** Returns the port of a server of ours, once it listens. */
export async function port_of(server: WsServer): Promise<number> {
  await server.opened
  return Number(server.addr.slice(server.addr.lastIndexOf(':') + 1))
}

function split_options({ protocols, compression = false, binary = false, heartbeat }: PairOptions): {
  our_options: ConnectionOptions<boolean> & { type: 'ws'; protocols: readonly string[] }
  peer_options: PeerOptions
} {
  const { ours, peer } = protocols ?? { ours: [], peer: [] }
  return {
    our_options: { type: 'ws', protocols: ours, compression: compression !== false, binary, heartbeat },
    peer_options: { protocols: peer, compression },
  }
}

async function expect_open(peer: PeerProgram): Promise<void> {
  const event = await peer.next()
  if (event.event !== 'open') throw new Error(`it did not open a connection: ${JSON.stringify(event)}`)
}

function create_pair(
  ours: OurSide,
  peer: PeerProgram,
  relay: FrameRelay,
  our_endpoint: Endpoint,
  close_server: () => Promise<void>,
): Pair {
  return {
    ours,
    peer,
    relay,
    our_endpoint,
    peer_endpoint: our_endpoint === 'client' ? 'server' : 'client',
    end: async () => {
      ours.handle.close()
      await ours.closed
      await close_server()
      relay.close()
      await peer.wait_until_closed()
    },
  }
}
