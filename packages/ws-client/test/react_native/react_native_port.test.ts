import { deferred } from '@bt/test-support/deferred'
import { type PortHarness, port_cases, WsPeer } from '@bt/ws-protocol/testing'
import { afterEach, describe, it } from 'vitest'
import { react_native_platform } from '../../src/react_native/platform.js'
import { ReactNativePort } from '../../src/react_native/react_native_port.js'
import { start_ws_server, stop_all } from '../echo_server.js'
import { ReactNativeWebSocket } from './react_native_web_socket.js'

afterEach(stop_all)

const harness: PortHarness = {
  platform: react_native_platform,
  side: 'client',
  async open(connection, attach) {
    const { promise: peer, resolve: accepted } = deferred<WsPeer>()
    const { url } = await start_ws_server(ws => accepted(new WsPeer(ws)))
    const socket = new ReactNativeWebSocket(url)
    attach(new ReactNativePort(socket, { url, protocols: [], max_payload: 1_048_576 }, connection))
    await new Promise<void>(resolve => {
      const { onopen } = socket
      socket.onopen = () => {
        onopen?.()
        resolve()
      }
    })
    return peer
  },
}

/** The number of unsent bytes is unknown, so these cases do not apply. */
const NEEDS_UNSENT_BYTES = /fills the queue|counts unsent messages|is not clean while/

describe('ReactNativePort', () => {
  it.each(port_cases.filter(({ name }) => !NEEDS_UNSENT_BYTES.test(name)))('$name', ({ run }) => run(harness))
})
