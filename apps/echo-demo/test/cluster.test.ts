import { connect } from '@bt/net'
import { type Broker, start_nats, start_redis } from '@bt/test-support/brokers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { unused_url } from './host.ts'
import { start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'
import { TestClient } from './test_client.ts'

const is_windows = process.platform === 'win32'

async function closed_after_test(starting: Promise<Broker>): Promise<Broker> {
  const broker = await starting
  onTestFinished(() => broker.close())
  return broker
}

/** Connects a client to the topic, and waits for its greeting. */
async function enter(url: string): Promise<TestClient> {
  const client = new TestClient(`${url}?topic=lobby`)
  await client.receives_count(1)
  return client
}

let question_count = 0

/**
 * Repeats a message of one client until the other receives it, because servers take time to find each other.
 */
async function until_joined(one: TestClient, other: TestClient): Promise<void> {
  question_count += 1
  const question = `are you there? (${question_count})`
  let has_joined = false
  const joined = other.receives(`lobby: ${question}`).then(() => {
    has_joined = true
  })
  for (let times = 1; !has_joined; times += 1) {
    one.ws.send(question)
    await Promise.race([joined, one.receives(`echo:${question}`, times)])
  }
}

describe.skipIf(is_windows).each([
  ['NATS', start_nats],
  ['Redis', start_redis],
])('serve --cluster, with %s', (_, start_broker) => {
  it('delivers messages to all clients in the topic, on other servers and their workers too', async () => {
    const { url: broker } = await closed_after_test(start_broker())
    const [alone, many] = await Promise.all([
      start_server('serve', '--cluster', broker),
      start_server('serve', '--cluster', broker, '--workers', '2'),
    ])
    const ada = await enter(alone.url)
    const others = [await enter(many.url), await enter(many.url)]
    for (const other of others) await until_joined(ada, other)
    ada.ws.send('hello')
    for (const other of others) await other.receives('lobby: hello')
    const [bob, eve] = others as [TestClient, TestClient]
    bob.ws.send('hi')
    await ada.receives('lobby: hi')
    await eve.receives('lobby: hi')
    await bob.receives('echo:hi')
    expect(bob.received).not.toContain('lobby: hi')
  })

  it('serves its own clients while the broker is down, reports that, and rejoins the others afterwards', async () => {
    const broker = await closed_after_test(start_broker())
    const [here, there] = await Promise.all([
      start_server('serve', '--cluster', broker.url),
      start_server('serve', '--cluster', broker.url),
    ])
    const [ada, bob, eve] = [await enter(here.url), await enter(here.url), await enter(there.url)]
    await until_joined(ada, eve)
    await broker.kill()
    await here.program.until(({ stderr }) => /^error: .* was lost: .*it is tried again\n/m.test(stderr))
    ada.ws.send('only us')
    await bob.receives('lobby: only us')
    await broker.start()
    await until_joined(ada, eve)
    await until_joined(eve, ada)
  })
})

it('serve --cluster serves without its broker, and reports that', async () => {
  const { host } = new URL(await unused_url())
  const { program, url } = await start_server('serve', '--cluster', `nats://${host}`)
  await program.until(({ stderr }) => stderr.includes(`NATS at ${host} cannot be reached`))
  const client = connect({ type: 'ws', url })
  for await (const data of client) {
    expect(data).toBe('welcome')
    client.close()
  }
})

it.each(['http://127.0.0.1:4222', '127.0.0.1:4222', 'nats', 'kafka://127.0.0.1'])(
  'serve --cluster %s fails, and lists the supported brokers',
  async url => {
    const { code, stdout, stderr } = await run_in_process(['serve', '--cluster', url])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Give nats://host:port or redis://host:port')
  },
)

it('serve --cluster reports an invalid broker URL in one line', async () => {
  for (const more of [[], ['--workers', '2']]) {
    const { code, stdout, stderr } = await run_in_process([
      'serve',
      '--cluster',
      'nats://127.0.0.1:99999',
      ...more,
    ])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: .*\n$/)
  }
})
