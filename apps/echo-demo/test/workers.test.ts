import { connect, type WsClient } from '@bt/net'
import { describe, expect, it } from 'vitest'
import { start_host } from './host.ts'
import { Program, run, start_server, stopped_at } from './program.ts'
import { run_in_process } from './run_in_process.ts'
import { TestClient } from './test_client.ts'

const is_windows = process.platform === 'win32'

async function connect_clients(url: string, count: number): Promise<readonly TestClient[]> {
  const clients = Array.from({ length: count }, () => new TestClient(url))
  await Promise.all(clients.map(client => client.receives_count(1)))
  return clients
}

async function close_clients(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(
    clients.map(({ ws }) => {
      ws.close()
      return ws.closed
    }),
  )
}

describe.skipIf(is_windows)('serve --workers', () => {
  it('serves one port with several processes, and prints which one a client is connected to and what to try', async () => {
    const { program, url } = await start_server('serve', '--workers', '2')
    expect(program.stdout.match(/^server {2}worker \d listens, process \d+$/gm)).toHaveLength(2)
    expect(program.stdout).toContain(`kill -HUP ${program.child.pid}\n`)
    expect(program.stdout).toContain(`connect ${url} --topic lobby\n`)
    expect(program.stdout).toContain('without --cluster, clients of other workers do not receive it')
    const hosts = new Set<string | undefined>()
    // A busy worker is skipped, so connections do not strictly alternate.
    while (hosts.size < 2) {
      const clients = await connect_clients(url, 1)
      hosts.add(clients[0]?.received[0])
      await close_clients(clients)
    }
    expect([...hosts].sort()).toEqual([1, 2].map(id => `welcome from worker ${id}`))
    await program.says(`connected; I send it 'welcome from worker 2'`)
    expect(program.stdout).toMatch(/^worker 2 {2}127\.0\.0\.1:\d+ connected;/m)
    program.child.kill('SIGTERM')
    expect(await program.exit).toEqual({ code: 0, signal: null })
    expect(program.stderr).toBe('')
  })

  it('replaces its workers one after the other at SIGHUP: clients get Close 1012, and reconnect', async () => {
    const { program, url } = await start_server('serve', '--workers', '2', '--spread', '0.1')
    const clients = await connect_clients(url, 4)
    program.child.kill('SIGHUP')
    await program.says('server  all workers are new\n')
    expect(program.stdout).toContain('server  restarting 2 workers, one after the other\n')
    await Promise.all(clients.map(client => client.receives_count(2)))
    const lines = program.stdout.split('\n').filter(line => /listens,|^worker \d {2}stopped/.test(line))
    expect(lines.map(line => line.replace(/,.*/, ''))).toEqual([
      'server  worker 1 listens',
      'server  worker 2 listens',
      'server  worker 3 listens',
      'worker 1  stopped',
      'server  worker 4 listens',
      'worker 2  stopped',
    ])
    expect(program.stdout).toContain('asked to reconnect within 0.1 s (Close 1012)')
    await close_clients(clients)
    program.child.kill('SIGTERM')
    expect(await program.exit).toEqual({ code: 0, signal: null })
  })

  it('replaces a dead worker and reports it, and leaves none behind when it is killed itself', async () => {
    const { program, url } = await start_server('serve', '--workers', '2')
    const [, pid] = /worker 1 listens, process (\d+)/.exec(program.stdout) ?? []
    process.kill(Number(pid), 'SIGKILL')
    await program.says(
      'server  worker 1 has died (SIGKILL)\nserver  in 0.1 s, missing workers are started again\n',
    )
    await program.says('server  worker 3 listens')
    await close_clients(await connect_clients(url, 1))
    program.child.kill('SIGKILL')
    // `exit` waits until the output is closed, so no worker still holds it.
    expect(await program.exit).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('stops in order at Ctrl-C, which a terminal sends to all processes, even during a restart', async () => {
    const { program, url } = await start_server('serve', '--workers', '2')
    const clients = await connect_clients(url, 4)
    const closes = clients.map(
      ({ ws }) => new Promise<number>(resolve => ws.on_reconnecting(({ info }) => resolve(info.code))),
    )
    program.child.kill('SIGHUP')
    await program.says('restarting 2 workers')
    const pids = program.stdout.matchAll(/listens, process (\d+)/g)
    for (const [, pid] of pids) process.kill(Number(pid), 'SIGINT')
    program.child.kill('SIGINT')
    expect(await program.exit).toEqual({ code: 0, signal: null })
    expect(await Promise.all(closes)).toEqual([1001, 1001, 1001, 1001])
    expect(program.stdout).not.toMatch(/does not start|all workers are new/)
    await close_clients(clients)
  })

  it.each(['worker 1 listens', 'worker 2 listens'])(
    'stops in order at Ctrl-C right after %s, and prints no hints',
    async when => {
      const args = ['serve', '--bind', '127.0.0.1:0', '--workers', '2']
      const { code, stdout, stderr } = await run(args, stopped_at(when))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/^worker 1 {2}stopped$/m)
      expect(stdout).not.toContain('keeps running')
    },
  )

  it('reports in one line that the port is in use, and exits with code 1', async () => {
    const { url } = await start_host()
    const second = await run(['serve', '--workers', '3', '--bind', new URL(url).host])
    expect(second.code).toBe(1)
    expect(second.stdout).toBe('')
    expect(second.stderr).toMatch(/^error: worker 1: .*the port is in use.*\n$/)
  })
})

it.each(['0', '-1', '1.5', '1025', 'many'])('serve rejects %s workers, and names the limit', async count => {
  const { code, stderr } = await run_in_process(['serve', '--workers', count])
  expect(code).toBe(1)
  expect(stderr).toContain('Give a whole number from 1 to 1024.')
})

describe('connect --topic', () => {
  it('sends to the other clients in that topic only', async () => {
    const { program, url } = await start_server('serve')
    const topic = 'a/& ?b'
    const [bob, eve] = [topic, 'lobby'].map(name =>
      connect({ type: 'ws', url: `${url}?topic=${encodeURIComponent(name)}` }),
    ) as [WsClient, WsClient]
    const [bob_messages, eve_messages] = [bob[Symbol.asyncIterator](), eve[Symbol.asyncIterator]()]
    const ada = new Program(['connect', url, '--topic', topic])
    await ada.says(`welcome to ${topic}\n`)
    expect((await bob_messages.next()).value).toBe(`welcome to ${topic}`)
    expect((await eve_messages.next()).value).toBe('welcome to lobby')
    ada.type('hello')
    expect((await bob_messages.next()).value).toBe(`${topic}: hello`)
    bob.send('hi')
    await ada.says(`${topic}: hi\n`)
    expect((await bob_messages.next()).value).toBe('echo:hi')
    eve.send('only me')
    expect((await eve_messages.next()).value).toBe('echo:only me')
    ada.child.stdin.end()
    expect((await ada.exit).code).toBe(0)
    expect(ada.stdout).toBe(`welcome to ${topic}\necho:hello\n${topic}: hi\n`)
    for (const [client, messages] of [
      [bob, bob_messages],
      [eve, eve_messages],
    ] as const) {
      client.close()
      expect((await messages.next()).done).toBe(true)
    }
    await program.says(`says 'hello'; I answer 'echo:hello', and publish it to '${topic}'\n`)
  })

  it('sends binary messages to the topic as well', async () => {
    const { url } = await start_server('serve', '--binary')
    const listener = connect({ type: 'ws', url: `${url}?topic=lobby`, binary: true })
    const messages = listener[Symbol.asyncIterator]()
    expect((await messages.next()).value).toBe('welcome to lobby')
    const speaker = connect({ type: 'ws', url: `${url}?topic=lobby`, binary: true })
    speaker.send(Buffer.from('hello'))
    expect((await messages.next()).value).toEqual(Uint8Array.from(Buffer.from('lobby: hello')))
    for (const client of [listener, speaker]) client.close()
  })

  it('reports an invalid topic name, and does not reconnect', async () => {
    const { program, url } = await start_server('serve')
    const client = await run(['connect', url, '--reconnect', '--topic', 'x'.repeat(256)])
    expect(client.code).toBe(1)
    expect(client.stderr).toContain(`code 4400, cause peer, reason 'this is not a valid topic name'`)
    expect(program.stderr).toMatch(/^error: 127\.0\.0\.1:\d+: .*255 bytes/)
  })
})
