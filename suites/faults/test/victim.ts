import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type * as net from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { Journal } from '@bt/test-support/journal'
import { REQUEST, Wire } from '../src/wire.ts'
import {
  also_end,
  goes_on,
  type Left,
  serves_others,
  start_client,
  start_server,
  start_wire_server,
} from './subjects.ts'

export const SIDES = ['server', 'client'] as const
export type Side = (typeof SIDES)[number]

/** What a test may set on either side. */
export interface VictimOptions extends net.ConnectionOptions<false> {
  readonly on_message?: (data: string) => void | Promise<void>
}

/** One connection of ours, on whichever side, whose other end is in the hands of a test. */
export interface Victim {
  readonly wire: Wire
  readonly handle: net.ConnectionHandle
  readonly messages: Journal<string>
  readonly infos: Journal<net.CloseInfo>
  readonly errors: Journal<net.NetError>
  /** Proves that others are not harmed. */
  others_are_served(): Promise<void>
}

/** A connection that is open. */
export async function open_victim(side: Side, options: VictimOptions = {}): Promise<Victim> {
  const { on_message, ...shared } = options
  if (side === 'server') {
    const take =
      on_message === undefined ? () => {} : (_socket: net.WsSocket, data: string) => on_message(data)
    const watched = await start_server({
      ...shared,
      // Who is asked to prove that others are served speaks to the same server.
      on_message: (socket, data) =>
        data === 'is anybody there?' ? void socket.send(data) : take(socket, data),
    })
    const wire = await Wire.open(watched.server.addr)
    also_end(ending(wire))
    const handle = await watched.connects.first()
    const infos = infos_of(watched.closes, socket => socket === handle)
    return { ...watched, wire, handle, infos, others_are_served: () => serves_others(watched.server) }
  }
  const hostile = await start_wire_server()
  const watched = start_client(hostile.url, on_message === undefined ? shared : { ...shared, on_message })
  const wire = await hostile.accept_open()
  await watched.opens.first()
  return { ...watched, wire, handle: watched.ws, infos: watched.closes, others_are_served: goes_on }
}

/** One that is still opening: the other end has connected, or been connected to, and nothing has been said but what a client of ours says. */
export async function opening_victim(
  side: Side,
): Promise<Omit<Victim, 'handle'> & { readonly handshake: string }> {
  if (side === 'server') {
    const watched = await start_server()
    const wire = await Wire.dial(watched.server.addr)
    also_end(ending(wire))
    return {
      ...watched,
      wire,
      infos: infos_of(watched.closes, () => true),
      handshake: REQUEST,
      others_are_served: () => serves_others(watched.server),
    }
  }
  const hostile = await start_wire_server()
  const watched = start_client(hostile.url)
  const wire = await hostile.accept()
  const handshake = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  return { ...watched, wire, infos: watched.closes, handshake, others_are_served: goes_on }
}

/** How sockets of a server ended, of those that are meant. */
function infos_of(
  closes: Journal<Left>,
  is_meant: (socket: net.WsSocket) => boolean,
): Journal<net.CloseInfo> {
  const infos = new Journal<net.CloseInfo>()
  let looked_at = 0
  closes.until(entries => {
    for (const { socket, info } of entries.slice(looked_at)) if (is_meant(socket)) infos.add(info)
    looked_at = entries.length
    return false
  })
  return infos
}

/** Counts the messages that reach one handle from the network, whether a callback has had them or not. */
export function watch_received(handle: net.ConnectionHandle): Journal<string> {
  const received = new Journal<string>()
  const take = (event: unknown): void => {
    const { handle: of, direction, data } = event as Record<string, unknown>
    if (of === handle && direction === 'received') received.add(data as string)
  }
  subscribe('bt.net.message', take)
  also_end({
    async [Symbol.asyncDispose]() {
      unsubscribe('bt.net.message', take)
    },
  })
  return received
}

/**
 * Resolves when the socket is paused, while the callback of the first message is not done. A server counts the message in the callback, too, after
 * each read.
 */
export function paused(received: Journal<string>): Promise<void> {
  let counted = 0
  let cost_bytes = 0
  return received.until(entries => {
    for (; counted < entries.length; counted += 1) cost_bytes += (entries[counted] as string).length + 128
    return cost_bytes >= 262_144
  })
}

/** A promise that a test settles. */
export interface Gate {
  readonly passed: Promise<void>
  open(): void
}

export function gate(): Gate {
  const { promise: passed, resolve: open } = deferred()
  return { passed, open }
}

function ending(wire: Wire): { [Symbol.asyncDispose](): Promise<void> } {
  return {
    async [Symbol.asyncDispose]() {
      wire.socket.destroy()
      await wire.closed
    },
  }
}
