import { connect } from '@bt/net'
import { PING } from '@bt/test-support/frames'
import { describe_with, system_program } from '@bt/test-support/installed'
import { NGINX, OPENSSL } from '@bt/test-support/programs'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { Arrivals } from './arrivals.ts'
import { start_server } from './echo_server.ts'
import type { Front } from './front.ts'
import { Nginx } from './nginx.ts'
import { port_of } from './pair.ts'
import {
  bun_web_socket,
  deno_web_socket,
  type ForeignProgram,
  python_websockets,
  undici_client,
} from './programs.ts'
import { try_exchanges } from './try_exchanges.ts'
import { Wire } from './wire.ts'

const installed = system_program(NGINX)
const openssl = system_program(OPENSSL)

/** One server of theirs is enough: what nginx does to our client is the same before any. */
const THROUGH_NGINX: readonly ForeignProgram[] = [
  python_websockets(),
  undici_client(),
  { ...bun_web_socket(), roles: ['client'] },
  { ...deno_web_socket(), roles: ['client'] },
]

describe_with(openssl, 'With a certificate', () => {
  describe_with(installed, 'nginx in front', () => {
    let nginx: Nginx
    beforeAll(async () => {
      nginx = await Nginx.make(installed.command)
      await nginx.start()
    })
    afterAll(() => nginx.remove())

    const front: Front = {
      title: ', through nginx with TLS',
      our_url: port => nginx.our_url(port),
      their_url: port => nginx.their_url(port),
      our_tls: () => nginx.our_tls(),
      env: () => nginx.env(),
    }
    for (const program of THROUGH_NGINX) {
      // nginx knows no half of a connection: when our side has said its last, it hangs up on a program that still sends.
      try_exchanges({ ...program, habits: { ...program.habits, may_miss_close: true } }, front)
    }

    it('ends a connection on which it hears nothing for too long, and both our sides tell it as lost', async () => {
      const { server, closes } = start_server({ heartbeat: false })
      const url = nginx.impatient_url(await port_of(server))
      const errors: string[] = []
      const client = connect({
        type: 'ws',
        url,
        tls: nginx.our_tls(),
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
    ] as const)('is kept from that by the heartbeats of %s', async (_who, heartbeats) => {
      const { server } = start_server({ heartbeat: heartbeats.server })
      const wire = await Wire.to(await port_of(server))
      onTestFinished(() => wire.close())
      const url = nginx.impatient_url(wire.port)
      const client = connect({ type: 'ws', url, tls: nginx.our_tls(), heartbeat: heartbeats.client })
      // Longer than its patience, twice.
      await wire.until(heartbeats.client === false ? 'server' : 'client', PING, 7)
      client.send('still here')
      for await (const data of client) {
        expect(data).toBe('still here')
        break
      }
      client.close()
      expect(await client.closed).toMatchObject({ code: 1000, cause: 'local', clean: true })
    })

    it('is stopped: both our sides tell that the connection was lost, and a client that may reconnects when it is back', async () => {
      const { server, closes } = start_server({})
      const url = nginx.our_url(await port_of(server))
      const errors: string[] = []
      const once = connect({
        type: 'ws',
        url,
        tls: nginx.our_tls(),
        on_error: error => errors.push(error.code),
      })
      const opened = new Arrivals<void>()
      const reconnecting = new Arrivals<void>()
      const again = connect({
        type: 'ws',
        url,
        tls: nginx.our_tls(),
        reconnect: { min_delay: 20, max_delay: 100 },
        on_open: () => opened.push(),
        on_reconnecting: () => reconnecting.push(),
        on_error: () => {},
      })
      await Promise.all([once.opened, again.opened])
      await opened.next()
      await nginx.stop()
      expect(await once.closed).toMatchObject({ code: 1006, cause: 'network', clean: false })
      expect(errors).toEqual(['connection_lost'])
      expect(await closes.take(2)).toMatchObject([
        { code: 1006, cause: 'network' },
        { code: 1006, cause: 'network' },
      ])
      await reconnecting.next()
      again.send('sent while nginx was away')
      await nginx.start()
      await opened.next()
      for await (const data of again) {
        expect(data).toBe('sent while nginx was away')
        break
      }
      again.close()
      expect(await again.closed).toMatchObject({ code: 1000, cause: 'local', clean: true })
    })

    it('is not trusted by our client, unless that is given its certificate', async () => {
      const { server } = start_server({})
      const errors: string[] = []
      const url = nginx.our_url(await port_of(server))
      const client = connect({ type: 'ws', url, on_error: error => errors.push(error.code) })
      expect(await client.closed).toMatchObject({ code: 1006, cause: 'refused' })
      expect(errors).toEqual(['tls_failed'])
    })

    it('answers 502 when our server is down, and our client tells so as handshake_refused', async () => {
      const { server } = start_server({})
      const url = nginx.our_url(await port_of(server))
      server.close()
      await server.closed
      const errors: unknown[] = []
      const client = connect({ type: 'ws', url, tls: nginx.our_tls(), on_error: error => errors.push(error) })
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
