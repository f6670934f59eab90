import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type * as net from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { Journal } from '@bt/test-support/journal'
import { RawPeer, REQUEST } from '../src/raw_peer.ts'
import {
  type ClosedSocket,
  dispose_after_test,
  expect_process_alive,
  expect_serving,
  start_client,
  start_raw_server,
  start_server,
} from './endpoints.ts'

export const SIDES = ['server', 'client'] as const
export type Side = (typeof SIDES)[number]

/** The options that a test may set on either side. */
export interface TestConnectionOptions extends net.ConnectionOptions<false> {
  readonly on_message?: (data: string) => void | Promise<void>
}

/** A connection of a server or a client, whose other end is a raw peer. */
export interface TestConnection {
  readonly peer: RawPeer
  readonly handle: net.ConnectionHandle
  readonly messages: Journal<string>
  readonly infos: Journal<net.CloseInfo>
  readonly errors: Journal<net.NetError>
  /** Checks that other connections still work. */
  expect_others_served(): Promise<void>
}

/** Returns an open connection. */
export async function open_connection(
  side: Side,
  options: TestConnectionOptions = {},
): Promise<TestConnection> {
  const { on_message, ...shared } = options
  if (side === 'server') {
    const handle_message =
      on_message === undefined ? () => {} : (_socket: net.WsSocket, data: string) => on_message(data)
    const watched = await start_server({
      ...shared,
      // The client of `expect_serving` connects to the same server, and expects an echo.
      on_message: (socket, data) =>
        data === 'are you there?' ? void socket.send(data) : handle_message(socket, data),
    })
    const peer = await RawPeer.open(watched.server.addr)
    dispose_after_test(disposable(peer))
    const handle = await watched.connects.first()
    const infos = infos_of(watched.closes, socket => socket === handle)
    return { ...watched, peer, handle, infos, expect_others_served: () => expect_serving(watched.server) }
  }
  const raw_server = await start_raw_server()
  const watched = start_client(raw_server.url, on_message === undefined ? shared : { ...shared, on_message })
  const peer = await raw_server.accept_open()
  await watched.opens.first()
  return {
    ...watched,
    peer,
    handle: watched.ws,
    infos: watched.closes,
    expect_others_served: expect_process_alive,
  }
}

/** Returns a connection before its handshake, and the handshake that its peer is to send. */
export async function opening_connection(
  side: Side,
): Promise<Omit<TestConnection, 'handle'> & { readonly handshake: string }> {
  if (side === 'server') {
    const watched = await start_server()
    const peer = await RawPeer.dial(watched.server.addr)
    dispose_after_test(disposable(peer))
    return {
      ...watched,
      peer,
      infos: infos_of(watched.closes, () => true),
      handshake: REQUEST,
      expect_others_served: () => expect_serving(watched.server),
    }
  }
  const raw_server = await start_raw_server()
  const watched = start_client(raw_server.url)
  const peer = await raw_server.accept()
  const handshake = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  return { ...watched, peer, infos: watched.closes, handshake, expect_others_served: expect_process_alive }
}

/** Returns the close infos of the sockets that match. */
function infos_of(
  closes: Journal<ClosedSocket>,
  matches: (socket: net.WsSocket) => boolean,
): Journal<net.CloseInfo> {
  const infos = new Journal<net.CloseInfo>()
  let checked = 0
  closes.until(entries => {
    for (const { socket, info } of entries.slice(checked)) if (matches(socket)) infos.add(info)
    checked = entries.length
    return false
  })
  return infos
}

/** Records the messages that one handle has received, including those whose callback has not run yet. */
export function watch_received(handle: net.ConnectionHandle): Journal<string> {
  const received = new Journal<string>()
  const on_event = (event: unknown): void => {
    const { handle: of, direction, data } = event as Record<string, unknown>
    if (of === handle && direction === 'received') received.add(data as string)
  }
  subscribe('bt.net.message', on_event)
  dispose_after_test({
    async [Symbol.asyncDispose]() {
      unsubscribe('bt.net.message', on_event)
    },
  })
  return received
}

/**
 * Resolves when the inbox is full, so that the socket is paused, while the callback of the first message is
 * pending. After each read, a server counts the message of the pending callback, too.
 */
export function paused(received: Journal<string>): Promise<void> {
  let counted = 0
  let cost_bytes = 0
  return received.until(entries => {
    for (; counted < entries.length; counted += 1) cost_bytes += (entries[counted] as string).length + 128
    return cost_bytes >= 262_144
  })
}

/** A promise that a test resolves. */
export interface Gate {
  readonly passed: Promise<void>
  open(): void
}

export function gate(): Gate {
  const { promise: passed, resolve: open } = deferred()
  return { passed, open }
}

function disposable(peer: RawPeer): { [Symbol.asyncDispose](): Promise<void> } {
  return {
    async [Symbol.asyncDispose]() {
      peer.socket.destroy()
      await peer.closed
    },
  }
}
