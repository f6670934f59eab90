import { once } from 'node:events'
import { deferred } from '@bt/test-support/deferred'
import { type PortHarness, WsPeer } from '@bt/ws-protocol/testing'
import type { WebSocket as WsWebSocket } from 'ws'
import type { browser_platform } from '../../src/browser/platform.js'
import type { WebSocketPort } from '../../src/browser/web_socket_port.js'
import { start_ws_server } from '../echo_server.js'

/** The parts of a build that a harness needs. */
interface PortParts {
  readonly browser_platform: typeof browser_platform
  readonly WebSocketPort: typeof WebSocketPort
}

/** A harness over a class with the interface of the standard WebSocket, such as that of `ws`. */
export const harness_of = (
  Tested: new (url: string, options: object) => WsWebSocket,
  { browser_platform, WebSocketPort }: PortParts,
): PortHarness => ({
  platform: browser_platform,
  side: 'client',
  seen_by_peer: code => code + 3_000,
  async open(connection, attach) {
    const { promise: peer, resolve: accepted } = deferred<WsPeer>()
    const { url } = await start_ws_server(ws => accepted(new WsPeer(ws)))
    const socket = new Tested(url, { closeTimeout: 1_000 })
    attach(new WebSocketPort(socket as unknown as WebSocket, { url, max_payload: 1_048_576 }, connection))
    await once(socket, 'open')
    return peer
  },
})
