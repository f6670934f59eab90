import { once } from 'node:events'
import { type IncomingMessage, request, type Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { accept_of } from '@bt/test-support/handshake'
import type { Connection } from '@bt/ws-protocol/internal'
import { counting_bytes, environment_of, node_platform, Wire } from '@bt/ws-protocol/internal/node'
import { type PortHarness, port_cases, WsPeer } from '@bt/ws-protocol/testing'
import { describe, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { memory_network } from '../../src/testing/index.js'

const options = { max_payload: 1_048_576, max_fragments: 16_384, compression: false } as const
// The samples that other tests of this process run subscribe to all channels, and expect handles there.
const { channels: _, ...platform } = node_platform
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

/** A network with an http server, and how to connect to it. */
async function http_in_memory(): Promise<{ http: Server; connect: () => Duplex }> {
  const { create_http_server, connect } = environment_of(memory_network())
  const http = create_http_server({})
  http.listen({ host: '127.0.0.1', port: 8081 }, () => {})
  await once(http, 'listening')
  return { http, connect: () => connect?.({ host: 'localhost', port: 8081 }, () => ({})) as Duplex }
}

/** A wire over a stream whose handshake is done. */
function open_wire(
  side: 'client' | 'server',
  stream: Duplex,
  head: Buffer,
  connection: Connection<null>,
  attach: (wire: Wire) => void,
): void {
  const wire = new Wire({ side, options, clock: platform.clock })
  attach(wire)
  wire.open(connection, counting_bytes(stream), head)
  connection.socket_opened()
}

const server_harness: PortHarness = {
  platform,
  side: 'server',
  async open(connection, attach) {
    const { http, connect } = await http_in_memory()
    const peer = new WebSocket('ws://localhost:8081', {
      createConnection: connect as never,
      perMessageDeflate: false,
    })
    const peer_open = once(peer, 'open')
    const [message, stream, head] = (await once(http, 'upgrade')) as [IncomingMessage, Duplex, Buffer]
    stream.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept_of(String(message.headers['sec-websocket-key']))}\r\n\r\n`,
    )
    open_wire('server', stream, head, connection, attach)
    await peer_open
    return new WsPeer(peer)
  },
}

const client_harness: PortHarness = {
  platform,
  side: 'client',
  async open(connection, attach) {
    const { http, connect } = await http_in_memory()
    const acceptor = new WebSocketServer({ server: http, perMessageDeflate: false })
    const peer = once(acceptor, 'connection') as Promise<[WebSocket]>
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': KEY,
    }
    const asked = request({ createConnection: connect as never, headers }).end()
    const [, stream, head] = (await once(asked, 'upgrade')) as [IncomingMessage, Duplex, Buffer]
    open_wire('client', stream, head, connection, attach)
    return new WsPeer((await peer)[0])
  },
}

describe.each([
  ['a server', server_harness],
  ['a client', client_harness],
])('a wire of %s over a network in memory', (_name, harness) => {
  it.each(port_cases)('$name', ({ run }) => run(harness))
})
