import { connect } from '@bt/net'
import { PING } from '@bt/test-support/frames'
import { describe_with, system_program } from '@bt/test-support/installed'
import { NGINX, OPENSSL } from '@bt/test-support/programs'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { AsyncQueue } from './async_queue.ts'
import { describe_exchanges } from './describe_exchanges.ts'
import { start_echo_server } from './echo_server.ts'
import { FrameRelay } from './frame_relay.ts'
import { port_of } from './pair.ts'
import { bun_web_socket, deno_web_socket, type Peer, python_websockets, undici_client } from './peers.ts'
import type { ServerAccess } from './server_access.ts'
import { TlsProxy } from './tls_proxy.ts'

const installed = system_program(NGINX)
const openssl = system_program(OPENSSL)

/** Includes only one server, since nginx affects our client in the same way in front of any server. */
const THROUGH_NGINX: readonly Peer[] = [
  python_websockets(),
  undici_client(),
  { ...bun_web_socket(), roles: ['client'] },
  { ...deno_web_socket(), roles: ['client'] },
]

describe_with(openssl, 'With a certificate', () => {
  describe_with(installed, 'nginx in front', () => {
    let proxy: TlsProxy
    beforeAll(async () => {
      proxy = await TlsProxy.create(installed.command)
      await proxy.start()
    })
    afterAll(() => proxy.remove())

    const access: ServerAccess = {
      title: ', through nginx with TLS',
      our_url: port => proxy.our_url(port),
      peer_url: port => proxy.peer_url(port),
      our_tls: () => proxy.our_tls(),
      peer_env: () => proxy.peer_env(),
    }
    for (const peer of THROUGH_NGINX) {
      // nginx has no half-closed connections: when our side ends its direction, nginx disconnects a peer that
      // is still sending.
      describe_exchanges({ ...peer, quirks: { ...peer.quirks, may_miss_close: true } }, access)
    }

    it('ends a connection after proxy_read_timeout without traffic, which both our sides report as lost', async () => {
      const { server, closes } = start_echo_server({ heartbeat: false })
      const url = proxy.short_timeout_url(await port_of(server))
      const errors: string[] = []
      const client = connect({
        type: 'ws',
        url,
        tls: proxy.our_tls(),
        heartbeat: false,
        on_error: error => errors.push(error.code),
      })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(errors).toEqual(['connection_lost'])
      expect(await closes.next()).toMatchObject({ code: 1006, cause: 'network', clean: false })
    })

    it.each([
      ['our client', { client: 300, server: false }],
      ['our server', { client: false, server: 300 }],
    ] as const)('keeps an idle connection open if %s sends heartbeats', async (_side, heartbeats) => {
      const { server } = start_echo_server({ heartbeat: heartbeats.server })
      const relay = await FrameRelay.start(await port_of(server))
      onTestFinished(() => relay.close())
      const url = proxy.short_timeout_url(relay.port)
      const client = connect({ type: 'ws', url, tls: proxy.our_tls(), heartbeat: heartbeats.client })
      // Seven heartbeats take twice as long as the timeout.
      await relay.wait_for_frames(heartbeats.client === false ? 'server' : 'client', PING, 7)
      client.send('still here')
      for await (const data of client) {
        expect(data).toBe('still here')
        break
      }
      client.close()
      expect(await client.closed).toMatchObject({ code: 1000, cause: 'local', clean: true })
    })

    it('loses its connections when it is stopped; a client with reconnect returns once it has started again', async () => {
      const { server, closes } = start_echo_server({})
      const url = proxy.our_url(await port_of(server))
      const errors: string[] = []
      const one_time = connect({
        type: 'ws',
        url,
        tls: proxy.our_tls(),
        on_error: error => errors.push(error.code),
      })
      const opened = new AsyncQueue<void>()
      const reconnecting = new AsyncQueue<void>()
      const persistent = connect({
        type: 'ws',
        url,
        tls: proxy.our_tls(),
        reconnect: { min_delay: 20, max_delay: 100 },
        on_open: () => opened.push(),
        on_reconnecting: () => reconnecting.push(),
        on_error: () => {},
      })
      await Promise.all([one_time.opened, persistent.opened])
      await opened.next()
      await proxy.stop()
      expect(await one_time.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(errors).toEqual(['connection_lost'])
      expect(await closes.take(2)).toMatchObject([
        { code: 1006, cause: 'network' },
        { code: 1006, cause: 'network' },
      ])
      await reconnecting.next()
      persistent.send('sent while nginx was stopped')
      await proxy.start()
      await opened.next()
      for await (const data of persistent) {
        expect(data).toBe('sent while nginx was stopped')
        break
      }
      persistent.close()
      expect(await persistent.closed).toMatchObject({ code: 1000, cause: 'local', clean: true })
    })

    it('is not trusted by our client without its certificate', async () => {
      const { server } = start_echo_server({})
      const errors: string[] = []
      const url = proxy.our_url(await port_of(server))
      const client = connect({ type: 'ws', url, on_error: error => errors.push(error.code) })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'refused' })
      expect(errors).toEqual(['tls_failed'])
    })

    it('answers 502 when our server is down, which our client reports as handshake_refused', async () => {
      const { server } = start_echo_server({})
      const url = proxy.our_url(await port_of(server))
      server.close()
      await server.closed
      const errors: unknown[] = []
      const client = connect({ type: 'ws', url, tls: proxy.our_tls(), on_error: error => errors.push(error) })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'refused' })
      expect(errors).toMatchObject([
        {
          code: 'handshake_refused',
          message: expect.stringContaining('answered 502 Bad Gateway'),
          cause: { status: 502 },
        },
      ])
    })
  })
})
