import type { Server } from 'node:http'
import { type Address, address_text, listening, parse_bound } from '@bt/demo-support/address'
import { Wire } from '@bt/demo-support/wire'
import type { ClusterPort, WsServer } from '@bt/net'
import { make_page_server } from './page_server.js'
import { Room, type RoomOptions } from './room.js'
import type { StaticFile } from './static_files.js'

// Spreads the reconnects of pages that lost their connections together.
export const SPREAD_MS = 2_000

/** The settings of a {@link Service}. */
export interface ServiceOptions {
  /** The files of the page, by path. */
  readonly files: ReadonlyMap<string, StaticFile>
  /** The address of the page. */
  readonly bind: Address
  /** The address of the WebSocket. */
  readonly ws_bind: Address
  /** The broker that makes this server one of several nodes. */
  readonly broker?: ClusterPort | undefined
}

/** The running servers of the page and its WebSocket. */
export interface Service {
  readonly page_url: string
  readonly ws_url: string
  /** The name of this node: the port of its WebSocket. */
  readonly node: string
  readonly ws_server: WsServer
  /** Closes every connection in order, and accepts no more. */
  close(): void
  /** Cuts every remaining connection. */
  cut(): void
}

/** Starts to serve. If it cannot listen, it cleans up and rejects. */
export async function start_service(
  { files, bind, ws_bind, broker }: ServiceOptions,
  events: Pick<RoomOptions, 'on_joined' | 'on_left' | 'on_error'>,
): Promise<Service> {
  let self: { readonly node: string; readonly page: string } | undefined
  const room = new Room({
    node: broker && { broker, self: () => self },
    cut: addr => wire.cut(addr),
    ...events,
  })
  await room.server.opened
  const wire = new Wire(ws_bind, parse_bound(room.server.addr))
  let page_server: Server | undefined
  const close = (): void => {
    room.server.close({ spread_ms: SPREAD_MS, reason: 'the server stops' })
    wire.close()
    page_server?.close()
    page_server?.closeIdleConnections()
  }
  const cut = (): void => {
    page_server?.closeAllConnections()
    wire.destroy_all()
  }
  try {
    const ws_address = await wire.listen()
    const ws_url = `ws://${address_text(ws_address)}/ws`
    page_server = make_page_server({ files, ws_url, control: request => room.control(request) })
    const page_url = `http://${address_text(await listening(page_server, bind))}/`
    self = { node: String(ws_address.port), page: page_url }
    return { page_url, ws_url, node: self.node, ws_server: room.server, close, cut }
  } catch (error) {
    close()
    throw error
  }
}
