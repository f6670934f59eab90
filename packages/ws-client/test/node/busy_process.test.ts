import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as create_https_server } from 'node:https'
import {
  type AddressInfo,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net'
import { make_authority } from '@bt/test-support/certificates'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { connect } from '../../src/index.js'
import { start_ws_server, stop_all } from '../echo_server.js'

const authority = await make_authority()
const identity = await authority.issue({ hosts: ['127.0.0.1'] })
const attempt_timeout_ms = getDefaultAutoSelectFamilyAttemptTimeout()

const running: Server[] = []

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  setDefaultAutoSelectFamilyAttemptTimeout(attempt_timeout_ms)
  for (const server of running.splice(0)) server.close()
  stop_all()
})

/**
 * Lets a minute pass in which this process reads nothing: as in Node, timers that have come due run before
 * that.
 */
function be_busy(): void {
  vi.advanceTimersByTime(60_000)
}

const KINDS = {
  ws: { make: () => createServer(), tls: undefined, steps: ['connection', 'upgrade'] },
  wss: {
    make: () => create_https_server(identity),
    tls: { ca: authority.cert },
    steps: ['connection', 'secureConnection', 'upgrade'],
  },
} as const

/** A server that makes this process busy at every step of a handshake. */
async function start_server(kind: keyof typeof KINDS): Promise<{ url: string; busy: readonly string[] }> {
  const { make, steps } = KINDS[kind]
  const server: Server = make()
  const busy: string[] = []
  for (const step of steps)
    server.on(step, () => {
      busy.push(step)
      be_busy()
    })
  new WebSocketServer({ server })
  running.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `${kind}://127.0.0.1:${(server.address() as AddressInfo).port}/ws`, busy }
}

describe('a process that is busy for longer than connect_timeout and close_timeout', () => {
  it.each(['ws', 'wss'] as const)(
    'at every step of a handshake opens a %s: connection, and closes it in order',
    async kind => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const { url, busy } = await start_server(kind)
      const { tls, steps } = KINDS[kind]
      const ws = connect({ type: 'ws', url, tls, connect_timeout: 300, close_timeout: 300 })
      be_busy()
      await ws.opened
      expect(busy).toEqual(steps)
      ws.close()
      be_busy()
      expect(await ws.closed).toMatchObject({ code: 1000, cause: 'local', clean: true })
    },
  )
})

describe.skipIf(process.platform !== 'linux')('a process that is busy while it connects', () => {
  // Nothing listens at 127.0.0.2.
  it.each(['127.0.0.2', '::ffff:127.0.0.2'])('opens a connection to a host that also has %s', async other => {
    const { url } = await start_ws_server(() => {})
    const found = ['127.0.0.1', other].map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    const lookup = (_host: string, _options: object, done: (...result: unknown[]) => void): void =>
      process.nextTick(done, null, found)
    vi.spyOn(dns, 'lookup').mockImplementation(lookup as typeof dns.lookup)
    setDefaultAutoSelectFamilyAttemptTimeout(10)
    const ws = connect({ type: 'ws', url: url.replace('127.0.0.1', 'host.test') })
    const opened = ws.opened.then(() => true)
    // By now, Node has started to connect.
    await new Promise<void>(resolve => process.nextTick(resolve))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    expect(await opened).toBe(true)
    await ws[Symbol.asyncDispose]()
  })
})
