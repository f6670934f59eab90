import { connect, listen } from '@bt/net'
import { describe, expect, it, onTestFinished } from 'vitest'
// @boundaries-ignore brokers for tests are started in one place
import { type Broker, start_nats, start_redis } from '../../../scripts/brokers.mjs'
import { Program, run, start_server } from './program.ts'

const is_windows = process.platform === 'win32'

async function also_end(starting: Promise<Broker>): Promise<Broker> {
  const broker = await starting
  onTestFinished(() => broker.close())
  return broker
}

/** A terminal in the topic, greeted. */
async function enter(url: string): Promise<Program> {
  const client = new Program(['connect', url, '--reconnect', '--topic', 'lobby'])
  await client.says('welcome to lobby')
  return client
}

/** Settles when what one terminal says is heard in another, however often that takes: servers find each other in their own time. */
async function are_joined(one: Program, other: Program): Promise<void> {
  let is_heard = false
  const heard = other.says('lobby: are you there?').then(() => {
    is_heard = true
  })
  for (let asked = 1; !is_heard; asked += 1) {
    one.type('are you there?')
    await Promise.race([heard, one.until(({ stdout }) => stdout.split('echo:are you there?').length > asked)])
  }
}

describe.skipIf(is_windows).each([
  ['NATS', start_nats],
  ['Redis', start_redis],
])('serve --cluster, with %s', (_, start_broker) => {
  it('is one with other servers and their workers: what one says, all hear who are in the topic', async () => {
    const { url: broker } = await also_end(start_broker())
    const [alone, many] = await Promise.all([
      start_server('serve', '--cluster', broker),
      start_server('serve', '--cluster', broker, '--workers', '2'),
    ])
    const ada = await enter(alone.url)
    const others = [await enter(many.url), await enter(many.url)]
    for (const other of others) await are_joined(ada, other)
    ada.type('hello')
    for (const other of others) await other.says('lobby: hello\n')
    const [bob, eve] = others as [Program, Program]
    bob.type('hi')
    await ada.says('lobby: hi\n')
    await eve.says('lobby: hi\n')
    await bob.says('echo:hi\n')
    expect(bob.stdout).not.toContain('lobby: hi')
  })

  it('goes on with what is its own while the broker is away, says so, and is one with the others again', async () => {
    const broker = await also_end(start_broker())
    const [here, there] = await Promise.all([
      start_server('serve', '--cluster', broker.url),
      start_server('serve', '--cluster', broker.url),
    ])
    const [ada, bob, eve] = [await enter(here.url), await enter(here.url), await enter(there.url)]
    await are_joined(ada, eve)
    await broker.kill()
    await here.program.until(({ stderr }) => /^error: .* was lost: .*it is tried again\n/m.test(stderr))
    ada.type('only us')
    await bob.says('lobby: only us\n')
    await broker.start()
    await are_joined(ada, eve)
    await are_joined(eve, ada)
  })
})

it('serve --cluster serves on where the broker is not there, and says so', async () => {
  const nobody = listen({ type: 'ws', bind: '127.0.0.1:0' })
  await nobody.opened
  await nobody[Symbol.asyncDispose]()
  const { program, url } = await start_server('serve', '--cluster', `nats://${nobody.addr}`)
  await program.until(({ stderr }) => stderr.includes(`NATS at ${nobody.addr} cannot be reached`))
  const client = connect({ type: 'ws', url })
  for await (const data of client) {
    expect(data).toBe('welcome')
    client.close()
  }
})

it.each(['http://127.0.0.1:4222', '127.0.0.1:4222', 'nats', 'kafka://127.0.0.1'])(
  'serve --cluster %s is refused, and which brokers there are is said',
  async url => {
    const { code, stdout, stderr } = await run(['serve', '--cluster', url])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('Give nats://host:port or redis://host:port')
  },
)

it('serve --cluster says in one line what is wrong with a URL that its broker does not take', async () => {
  for (const more of [[], ['--workers', '2']]) {
    const { code, stdout, stderr } = await run(['serve', '--cluster', 'nats://127.0.0.1:99999', ...more])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^error: .*\n$/)
  }
})
