import { closed_after_each, mute_server } from '@bt/test-support/broker_trials'
import { type Broker, start_nats } from '@bt/test-support/brokers'
import { make_authority } from '@bt/test-support/certificates'
import { ClusterListener, carries, failure_of, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { type NatsOptions, nats } from '../src/index.js'

const authority = await make_authority()
const [identity, foreign_identity, client_identity] = await Promise.all([
  authority.issue({ hosts: ['127.0.0.1'] }),
  authority.issue({ hosts: ['elsewhere.test'] }),
  authority.issue({ name: 'client' }),
])
const trusted = { ca: authority.cert }
const close_after_test = closed_after_each()

async function start_broker(options: Parameters<typeof start_nats>[0] = {}): Promise<Broker> {
  return close_after_test(await start_nats(options))
}

function connects(options: NatsOptions): Promise<boolean> {
  return carries(nats(options))
}

/** Returns the message with which connecting fails, and checks that it shows no credentials. */
async function connect_failure(options: NatsOptions): Promise<string> {
  const error = await failure_of(nats(options))
  expect(messages_of(error)).not.toContain('secret')
  return error.message
}

describe('connecting', () => {
  it('uses the first server of a list that answers', async () => {
    const [stopped, broker] = [await start_broker(), await start_broker()]
    await stopped.stop()
    expect(await connects({ servers: [stopped.address, broker.address, stopped.address] })).toBe(true)
  })

  it('tries the next server of a list if one does not answer', async () => {
    const [silent, broker] = [close_after_test(await mute_server()), await start_broker()]
    const servers = [`127.0.0.1:${silent.port}`, broker.url]
    expect(await connects({ servers, connect_timeout: 1_000, options: { noRandomize: true } })).toBe(true)
    await silent.hung_up
  })

  it('resolves a host name', async () => {
    const broker = await start_broker()
    expect(await connects({ servers: `nats://localhost:${broker.port}` })).toBe(true)
  })

  it('fails at once if nothing listens at the address', async () => {
    const broker = await start_broker()
    await broker.stop()
    expect(await connect_failure({ servers: broker.url })).toBe(
      'nobody listens there: start it, or check the address',
    )
  })

  it('fails if the host does not exist', async () => {
    // Without a network the DNS does not answer either, and the error says so instead.
    expect(await connect_failure({ servers: 'nats://nobody.invalid' })).toMatch(
      /no host of that name|the DNS does not answer/,
    )
  })

  it('times out while the broker is suspended, and succeeds once it runs again', async () => {
    const broker = await start_broker()
    await broker.pause()
    const options = { servers: [broker.url, `localhost:${broker.port}`], connect_timeout: 200 }
    expect(await connect_failure(options)).toContain('did not answer within 200 ms')
    broker.resume()
    expect(await connects({ servers: broker.url })).toBe(true)
  })

  it.each([
    ['nothing', '', {}],
    ['only INFO', 'INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":100}\r\n', {}],
    ['only INFO that requires TLS', 'INFO {"server_id":"x","proto":1,"tls_required":true}\r\n', {}],
    ['nothing on a TLS connection', '', { tls: { handshakeFirst: true } }],
  ])('times out and closes its socket if the peer sends %s', async (_, says, options) => {
    const { port, hung_up } = close_after_test(await mute_server({ says }))
    expect(await connect_failure({ servers: `127.0.0.1:${port}`, connect_timeout: 100, options })).toContain(
      '100 ms',
    )
    await hung_up
  })

  it('fails if the server speaks another protocol', async () => {
    const { port } = close_after_test(await mute_server({ says: 'SSH-2.0-OpenSSH_9.2\r\n' }))
    expect(await connect_failure({ servers: `127.0.0.1:${port}` })).toContain(
      'what answers there is not NATS',
    )
  })

  it('fails if the broker has reached its limit of connections', async () => {
    const broker = await start_broker({ config: 'max_connections: 1' })
    const only = await ClusterListener.connect(nats({ servers: broker.url }))
    expect(await connect_failure({ servers: broker.url })).toMatch(
      /it c(ut|losed) the connection|maximum connections/,
    )
    await only.close()
  })
})

describe('credentials', () => {
  const config = 'authorization { users: [ { user: ada, password: "a secret" } ] }'

  it('are accepted in the URL and in options', async () => {
    const broker = await start_broker({ config })
    expect(await connects({ servers: `nats://ada:a%20secret@${broker.address}` })).toBe(true)
    expect(await connects({ servers: broker.url, options: { user: 'ada', pass: 'a secret' } })).toBe(true)
  })

  it('are a token if the URL has no password', async () => {
    const broker = await start_broker({ config: 'authorization { token: secret }' })
    expect(await connects({ servers: `nats://secret@${broker.address}` })).toBe(true)
    expect(await connect_failure({ servers: broker.url, options: { token: 'another secret' } })).toContain(
      'credentials',
    )
  })

  it('are rejected if wrong or missing, and no error shows them', async () => {
    const broker = await start_broker({ config })
    const expected = /^it does not know these credentials \(Authorization Violation\)/
    expect(await connect_failure({ servers: `nats://ada:secret@${broker.address}` })).toMatch(expected)
    expect(await connect_failure({ servers: broker.url })).toMatch(expected)
  })
})

describe('TLS', () => {
  it('is used if the broker requires it, and trusts the authority in options', async () => {
    const broker = await start_broker({ tls: identity })
    expect(await connects({ servers: broker.address, options: { tls: trusted } })).toBe(true)
    expect(await connects({ servers: broker.url, options: { tls: trusted } })).toBe(true)
  })

  it('presents a client certificate if the broker requires one', async () => {
    const broker = await start_broker({ tls: { ...identity, ca: authority.cert } })
    expect(
      await connects({ servers: broker.url, options: { tls: { ...trusted, ...client_identity } } }),
    ).toBe(true)
    const options = { tls: trusted }
    // The broker sends an alert and resets the connection; either may be noticed first.
    expect(await connect_failure({ servers: broker.url, options })).toMatch(
      /not take the certificate|cut the connection/,
    )
  })

  it('fails if the authority is unknown or the certificate is for another host', async () => {
    const broker = await start_broker({ tls: identity })
    expect(await connect_failure({ servers: broker.url })).toContain('an authority that is not known here')
    const elsewhere = await start_broker({ tls: foreign_identity })
    const options = { tls: trusted }
    expect(await connect_failure({ servers: elsewhere.url, options })).toContain(
      'its certificate is not for that host',
    )
  })

  it('is required by tls:// and forbidden by null', async () => {
    const [plain, secure] = [await start_broker(), await start_broker({ tls: identity })]
    expect(await connect_failure({ servers: `tls://${plain.address}` })).toContain('it does not speak TLS')
    expect(await connect_failure({ servers: secure.address, options: { tls: null } })).toContain(
      'it asks for TLS',
    )
  })
})
