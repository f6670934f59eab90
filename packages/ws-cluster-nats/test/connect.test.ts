import { ClusterListener, carries, failure_of, messages_of } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
// @boundaries-ignore what the tests of all brokers need is in one place
import { closed_after_each, mute_server } from '../../../scripts/broker_trials.mjs'
// @boundaries-ignore brokers for tests are started in one place
import { type Broker, start_nats } from '../../../scripts/brokers.mjs'
// @boundaries-ignore certificates for tests are made in one place
import { make_authority } from '../../../scripts/certificates.mjs'
import { type NatsOptions, nats } from '../src/index.js'

const authority = await make_authority()
const [identity, of_another_host, of_client] = await Promise.all([
  authority.issue({ hosts: ['127.0.0.1'] }),
  authority.issue({ hosts: ['elsewhere.test'] }),
  authority.issue({ name: 'client' }),
])
const trust = { ca: authority.cert }
const kept = closed_after_each()

async function started(options: Parameters<typeof start_nats>[0] = {}): Promise<Broker> {
  return kept(await start_nats(options))
}

function works(options: NatsOptions): Promise<boolean> {
  return carries(nats(options))
}

/** Says why connecting fails. */
async function failure(options: NatsOptions): Promise<string> {
  const error = await failure_of(nats(options))
  expect(messages_of(error)).not.toContain('secret')
  return error.message
}

describe('connecting', () => {
  it('takes the first server of a list that answers', async () => {
    const [gone, broker] = [await started(), await started()]
    await gone.stop()
    expect(await works({ servers: [gone.address, broker.address, gone.address] })).toBe(true)
  })

  it('goes on to the next server of a list where one says nothing', async () => {
    const [silent, broker] = [kept(await mute_server()), await started()]
    const servers = [`127.0.0.1:${silent.port}`, broker.url]
    expect(await works({ servers, connect_timeout: 1_000, options: { noRandomize: true } })).toBe(true)
    await silent.hung_up
  })

  it('finds a host by its name', async () => {
    const broker = await started()
    expect(await works({ servers: `nats://localhost:${broker.port}` })).toBe(true)
  })

  it('fails at once where nobody listens', async () => {
    const broker = await started()
    await broker.stop()
    expect(await failure({ servers: broker.url })).toBe(
      'nobody listens there: start it, or check the address',
    )
  })

  it('fails where there is no such host', async () => {
    // Without a network no DNS answers, which is another reason.
    expect(await failure({ servers: 'nats://nobody.invalid' })).toMatch(
      /no host of that name|the DNS does not answer/,
    )
  })

  it('fails in time where the broker stands still, and takes it when it goes on', async () => {
    const broker = await started()
    await broker.pause()
    const options = { servers: [broker.url, `localhost:${broker.port}`], connect_timeout: 200 }
    expect(await failure(options)).toContain('did not answer within 200 ms')
    broker.resume()
    expect(await works({ servers: broker.url })).toBe(true)
  })

  it.each([
    ['nothing', '', {}],
    [
      'who it is, and no more',
      'INFO {"server_id":"x","version":"2.9.0","proto":1,"max_payload":100}\r\n',
      {},
    ],
    ['that it wants TLS, and no more', 'INFO {"server_id":"x","proto":1,"tls_required":true}\r\n', {}],
    ['nothing where TLS comes first', '', { tls: { handshakeFirst: true } }],
  ])('fails in time, and leaves nothing open, where somebody says %s', async (_, says, options) => {
    const { port, hung_up } = kept(await mute_server({ says }))
    expect(await failure({ servers: `127.0.0.1:${port}`, connect_timeout: 100, options })).toContain('100 ms')
    await hung_up
  })

  it('fails where something else answers', async () => {
    const { port } = kept(await mute_server({ says: 'SSH-2.0-OpenSSH_9.2\r\n' }))
    expect(await failure({ servers: `127.0.0.1:${port}` })).toContain('what answers there is not NATS')
  })

  it('fails where there are too many', async () => {
    const broker = await started({ config: 'max_connections: 1' })
    const only = await ClusterListener.connect(nats({ servers: broker.url }))
    expect(await failure({ servers: broker.url })).toMatch(
      /it c(ut|losed) the connection|maximum connections/,
    )
    await only.close()
  })
})

describe('credentials', () => {
  const config = 'authorization { users: [ { user: ada, password: "a secret" } ] }'

  it('are taken from the URL, or from options', async () => {
    const broker = await started({ config })
    expect(await works({ servers: `nats://ada:a%20secret@${broker.address}` })).toBe(true)
    expect(await works({ servers: broker.url, options: { user: 'ada', pass: 'a secret' } })).toBe(true)
  })

  it('are a token where there is no password', async () => {
    const broker = await started({ config: 'authorization { token: secret }' })
    expect(await works({ servers: `nats://secret@${broker.address}` })).toBe(true)
    expect(await failure({ servers: broker.url, options: { token: 'another secret' } })).toContain(
      'credentials',
    )
  })

  it('that are wrong or missing fail, and are told nowhere', async () => {
    const broker = await started({ config })
    const expected = /^it does not know these credentials \(Authorization Violation\)/
    expect(await failure({ servers: `nats://ada:secret@${broker.address}` })).toMatch(expected)
    expect(await failure({ servers: broker.url })).toMatch(expected)
  })
})

describe('TLS', () => {
  it('is spoken where the broker asks for it, with an authority of its own', async () => {
    const broker = await started({ tls: identity })
    expect(await works({ servers: broker.address, options: { tls: trust } })).toBe(true)
    expect(await works({ servers: broker.url, options: { tls: trust } })).toBe(true)
  })

  it('is spoken with a certificate of the client where the broker asks for one', async () => {
    const broker = await started({ tls: { ...identity, ca: authority.cert } })
    expect(await works({ servers: broker.url, options: { tls: { ...trust, ...of_client } } })).toBe(true)
    const options = { tls: trust }
    // It says so, and cuts the connection; either may be noticed first.
    expect(await failure({ servers: broker.url, options })).toMatch(
      /not take the certificate|cut the connection/,
    )
  })

  it('fails where the authority is not known, or the certificate is for another host', async () => {
    const broker = await started({ tls: identity })
    expect(await failure({ servers: broker.url })).toContain('an authority that is not known here')
    const elsewhere = await started({ tls: of_another_host })
    const options = { tls: trust }
    expect(await failure({ servers: elsewhere.url, options })).toContain(
      'its certificate is not for that host',
    )
  })

  it('is insisted on by tls://, and forbidden by null', async () => {
    const [plain, secure] = [await started(), await started({ tls: identity })]
    expect(await failure({ servers: `tls://${plain.address}` })).toContain('it does not speak TLS')
    expect(await failure({ servers: secure.address, options: { tls: null } })).toContain('it asks for TLS')
  })
})
