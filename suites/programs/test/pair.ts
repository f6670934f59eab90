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
import { Arrivals } from './arrivals.ts'
import type { Front } from './front.ts'
import type { Program, ProgramEvent, Wishes } from './program.ts'
import { Wire, type WireEnd } from './wire.ts'

type Data = string | Uint8Array

/** What both sides of a connection are asked for. */
export interface PairWishes {
  /** Subprotocols of our side, and of theirs. */
  readonly protocols?: { readonly ours: readonly string[]; readonly theirs: readonly string[] }
  /** Whether both compress, or what theirs offers. */
  readonly compression?: Wishes['compression']
  /** Whether our side takes binary messages. */
  readonly binary?: boolean
  /** After how much silence our side asks theirs whether it lives, in milliseconds. */
  readonly heartbeat?: number
}

/** Our end of a connection. */
export interface Ours {
  readonly handle: ConnectionHandle
  /** The subprotocol that was agreed on. */
  readonly protocol: string
  /** How it ended; errors that were told on the way are in `errors`. */
  readonly closed: Promise<CloseInfo>
  readonly messages: Arrivals<Data>
  /** The codes of the errors that were told. */
  readonly errors: readonly string[]
}

/** Our end of a connection, theirs, and what is between. */
export interface Pair {
  readonly ours: Ours
  readonly theirs: Program
  readonly wire: Wire
  /** Which end of the wire is ours, and which is theirs. */
  readonly our_end: WireEnd
  readonly their_end: WireEnd
  /** Closes what is left open. */
  end(): Promise<void>
}

/** Opens a connection between a client of theirs and our server. */
export async function open_to_our_server(theirs: Program, wishes: PairWishes, front: Front): Promise<Pair> {
  const { our_options, their_wishes } = options_of(wishes)
  const messages = new Arrivals<Data>()
  const errors: string[] = []
  const { promise: opened, resolve: connected } = deferred<Ours>()
  const server = listen({
    ...our_options,
    bind: '127.0.0.1:0',
    on_connect: handle =>
      connected({ handle, protocol: handle.request.protocol, closed: handle.closed, messages, errors }),
    on_message: (_socket, data) => messages.push(data),
    on_error: error => errors.push(error.code),
  })
  const wire = await Wire.to(await port_of(server))
  theirs.connect(front.their_url(wire.port), their_wishes)
  await expect_open(theirs)
  return pair_of(await opened, theirs, wire, 'server', async () => {
    server.close()
    await server.closed
  })
}

/** Has a client of theirs ask a server of ours, and tells what it made of the answer. */
export async function ask_our_server(
  theirs: Program,
  { route = '/ws', ...wishes }: PairWishes & { readonly route?: string },
  front: Front,
): Promise<{ told: ProgramEvent; stats: WsServerStats }> {
  const { our_options, their_wishes } = options_of(wishes)
  // A client that gives up may leave its socket open, as undici does.
  const server = listen({ ...our_options, bind: '127.0.0.1:0', route, close_timeout: 100 })
  theirs.connect(front.their_url(await port_of(server)), their_wishes)
  const told = await theirs.next()
  const stats = server.stats()
  server.close()
  await server.closed
  await theirs.until_closed()
  return { told, stats }
}

/** Opens a connection between our client and a server of theirs. */
export async function open_to_their_server(theirs: Program, wishes: PairWishes, front: Front): Promise<Pair> {
  const { our_options, their_wishes } = options_of(wishes)
  const messages = new Arrivals<Data>()
  const errors: string[] = []
  const wire = await Wire.to(await theirs.listen(their_wishes))
  const handle = connect({
    ...our_options,
    url: front.our_url(wire.port),
    tls: front.our_tls(),
    on_message: data => messages.push(data),
    on_error: error => errors.push(error.code),
  })
  await handle.opened
  await expect_open(theirs)
  const ours = { handle, protocol: handle.protocol, closed: handle.closed, messages, errors }
  return pair_of(ours, theirs, wire, 'client', async () => {})
}

/** The port of a server of ours, once it listens. */
export async function port_of(server: WsServer): Promise<number> {
  await server.opened
  return Number(server.addr.slice(server.addr.lastIndexOf(':') + 1))
}

function options_of({ protocols, compression = false, binary = false, heartbeat }: PairWishes): {
  our_options: ConnectionOptions<boolean> & { type: 'ws' }
  their_wishes: Wishes
} {
  const { ours, theirs } = protocols ?? { ours: [], theirs: [] }
  return {
    our_options: { type: 'ws', protocols: ours, compression: compression !== false, binary, heartbeat },
    their_wishes: { protocols: theirs, compression },
  }
}

async function expect_open(theirs: Program): Promise<void> {
  const told = await theirs.next()
  if (told.event !== 'open') throw new Error(`it did not open a connection: ${JSON.stringify(told)}`)
}

function pair_of(
  ours: Ours,
  theirs: Program,
  wire: Wire,
  our_end: WireEnd,
  also_close: () => Promise<void>,
): Pair {
  return {
    ours,
    theirs,
    wire,
    our_end,
    their_end: our_end === 'client' ? 'server' : 'client',
    end: async () => {
      ours.handle.close()
      await ours.closed
      await also_close()
      wire.close()
      await theirs.until_closed()
    },
  }
}
