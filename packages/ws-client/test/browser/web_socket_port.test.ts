import { Connection, check_options, connection_rules } from '@bt/ws-protocol/internal'
import { PortListener, port_cases } from '@bt/ws-protocol/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { browser_platform } from '../../src/browser/platform.js'
import { WebSocketPort } from '../../src/browser/web_socket_port.js'
import { stop_all } from '../echo_server.js'
import { harness_of } from './port_harness.js'

afterEach(stop_all)

const parts = { browser_platform, WebSocketPort }

describe('WebSocketPort over a WebSocket with the standard interface, in Node', () => {
  it.each(port_cases)('$name', ({ run }) => run(harness_of(WsWebSocket, parts)))
})

/** As in Cloudflare's workerd; in React Native, it is there and undefined. */
class WithoutBufferedAmount extends WsWebSocket {
  constructor(url: string, options: object) {
    super(url, options)
    Object.defineProperty(this, 'bufferedAmount', { value: undefined })
  }
}

/** Without `bufferedAmount`, the number of unsent bytes is unknown, so these cases do not apply. */
const NEEDS_BUFFERED_AMOUNT = /fills the queue|counts unsent messages|is not clean while/

describe('WebSocketPort over a WebSocket without bufferedAmount', () => {
  it.each(port_cases.filter(({ name }) => !NEEDS_BUFFERED_AMOUNT.test(name)))('$name', ({ run }) =>
    run(harness_of(WithoutBufferedAmount, parts)),
  )

  it('counts every message as sent: the queue is empty, and drained resolves', async () => {
    const harness = harness_of(WithoutBufferedAmount, parts)
    const listener = new PortListener()
    const settings = {
      ...check_options('connection', {}, connection_rules),
      side: 'client',
    } as const
    const connection = new Connection<null>(settings, listener, harness.platform, () => null)
    const peer = await harness.open(connection, port => connection.attach(port))
    for (let index = 0; index < 3; index += 1) expect(connection.send('x'.repeat(100_000))).toBe(true)
    await connection.drained()
    expect(connection.queued).toBe(0)
    await peer.drop()
    expect(await connection.closed).toEqual({
      code: 1006,
      reason: '',
      cause: 'network',
      clean: false,
      unsent: 0,
    })
  })
})
