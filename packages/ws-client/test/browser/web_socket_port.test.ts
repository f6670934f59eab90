import { once } from 'node:events'
import type { MessageBatch } from '@bt/ws-protocol'
import { type PortHarness, port_cases, WsPeer } from '@bt/ws-protocol/testing'
import { afterEach, describe, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { browser_platform } from '../../src/browser/platform.js'
import { WebSocketPort } from '../../src/browser/web_socket_port.js'
import { start_ws_server, stop_all } from '../echo_server.js'

afterEach(stop_all)

/** The WebSocket of `ws` has the interface of the standard one. */
const harness: PortHarness<MessageBatch> = {
  platform: browser_platform,
  side: 'client',
  seen_by_peer: code => code + 3_000,
  async open(connection, attach) {
    let accepted!: (peer: WsPeer) => void
    const peer = new Promise<WsPeer>(resolve => {
      accepted = resolve
    })
    const { url } = await start_ws_server(ws => accepted(new WsPeer(ws)))
    const socket = new WsWebSocket(url)
    attach(new WebSocketPort(socket as unknown as WebSocket, { url, max_payload: 1_048_576 }, connection))
    await once(socket, 'open')
    return peer
  },
}

describe('WebSocketPort over a WebSocket with the standard interface, in Node', () => {
  it.each(port_cases)('$name', ({ run }) => run(harness))
})
