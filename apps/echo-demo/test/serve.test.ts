import { once } from 'node:events'
import { connect as connect_tcp } from 'node:net'
import { connect, listen, type WsClient, type WsServer, type WsSocket } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { expect, it, onTestFinished, vi } from 'vitest'
import { close_in_order } from '../src/server/serve.ts'
import { start_host } from './host.ts'
import { run, start_server, stopped_at_once } from './program.ts'
import { run_in_process } from './run_in_process.ts'

const is_windows = process.platform === 'win32'

it.skipIf(is_windows).each(['SIGINT', 'SIGTERM'] as const)(
  'at %s prints how it stops, closes every client with 1001, and exits with code 0',
  async signal => {
    const { program, url } = await start_server('serve')
    const clients = [connect({ type: 'ws', url }), connect({ type: 'ws', url })]
    for (const client of clients) client.on_message(() => {})
    await Promise.all(clients.map(client => client.opened))
    await program.until(({ stdout }) => stdout.split(' connected; ').length === 3)
    program.child.kill(signal)
    for (const client of clients) {
      expect(await client.closed).toMatchObject({ code: 1001, cause: 'peer', clean: true })
    }
    expect(await program.exit).toEqual({ code: 0, signal: null })
    expect(program.stdout).toContain(
      'server  stopping; answers may take 5 s, then 2 clients are closed (Close 1001)\n',
    )
    expect(program.stdout.match(/is gone \(code 1001, cause shutdown\)/g)).toHaveLength(2)
    expect(program.stdout).toMatch(/server {2}stopped\n$/)
    expect(program.stderr).toBe('')
  },
)

it.skipIf(is_windows)('asks each client to reconnect within --spread', async () => {
  const { program, url } = await start_server('serve', '--spread', '1.5', '--drain', '0')
  const client = connect({ type: 'ws', url })
  client.on_message(() => {})
  await client.opened
  await program.says(' connected; ')
  program.child.kill('SIGTERM')
  const { code, reason } = await client.closed
  expect(code).toBe(1012)
  expect(Number(/^retry_after_ms=(\d+)$/.exec(reason)?.[1])).toBeLessThan(1_500)
  expect(await program.exit).toEqual({ code: 0, signal: null })
  expect(program.stdout).toContain(
    'server  stopping; 1 client is asked to reconnect within 1.5 s (Close 1012)\n',
  )
})

it('answers pending messages before it closes, within the time for that', async () => {
  const { server, client, may_answer } = await start_slow()
  close_in_order(server, { drain_ms: 60_000, spread_ms: 0 })
  may_answer()
  const received: string[] = []
  for await (const data of client) received.push(data)
  expect(received).toEqual(['answer'])
  expect(await client.closed).toMatchObject({ code: 1001, clean: true })
})

it('waits for no answer if the time for that is zero', async () => {
  const { server, client } = await start_slow()
  close_in_order(server, { drain_ms: 0, spread_ms: 0 })
  expect(await client.closed).toMatchObject({ code: 1001, clean: true })
})

it.skipIf(is_windows)('exits at once at the second Ctrl-C, even if a client does not answer', async () => {
  const { program, url } = await start_server('serve')
  const { host, hostname, port } = new URL(url)
  const unresponsive = connect_tcp(Number(port), hostname)
  unresponsive.on('error', () => {})
  unresponsive.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await once(unresponsive, 'data')
  program.child.kill('SIGINT')
  await program.says('then 1 client is closed')
  program.child.kill('SIGINT')
  expect(await program.exit).toEqual({ code: null, signal: 'SIGINT' })
  unresponsive.destroy()
})

it('exits with code 0 if it is stopped before it listens', async () => {
  for (const command of ['serve', 'demo']) {
    const { code, stdout, stderr } = await run([command, '--bind', '127.0.0.1:0'], stopped_at_once())
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'server  stopping\nserver  stopped\n',
      stderr: '',
    })
  }
})

it('serves another route with --route, and answers binary messages in kind with --binary', async () => {
  const { program, url } = await start_server('serve', '--route', '/talk', '--binary')
  expect(url).toMatch(/\/talk$/)
  const client = connect({ type: 'ws', url, binary: true })
  client.send(Uint8Array.of(0, 255))
  const received: (string | Uint8Array)[] = []
  for await (const data of client) if (received.push(data) === 2) break
  expect(received).toEqual(['welcome', Uint8Array.from([...Buffer.from('echo:'), 0, 255])])
  await program.says('says 2 bytes: 00 ff; I answer 7 bytes:')
  expect(program.stdout).toContain(`connect --binary ${url}`)
  client.close()
})

it('reports in one line that the port is in use, and exits with code 1', async () => {
  const { url } = await start_host()
  const { host } = new URL(url)
  for (const command of ['serve', 'demo']) {
    const second = await run([command, '--bind', host])
    expect(second.code).toBe(1)
    expect(second.stdout).toBe('')
    expect(second.stderr).toMatch(/^error: .*the port is in use.*\n$/)
    expect(second.stderr).toContain(host)
  }
})

it.each([
  { given: ['--bind', 'nonsense'], expected: 'the option bind is "nonsense"' },
  { given: ['--route', 'ws'], expected: 'the option route is "ws"' },
  { given: ['--drain', 'soon'], expected: 'Give seconds from 0 to 3600' },
  { given: ['--spread', '3601'], expected: 'Give seconds from 0 to 3600' },
  { given: ['--binaries'], expected: "unknown option '--binaries'" },
])(
  'reports the invalid argument of $given in one line, and exits with code 1',
  async ({ given, expected }) => {
    const { code, stdout, stderr } = await run_in_process(['serve', ...given])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n')[0]).toContain(expected)
    expect(stderr).not.toMatch(/^ {4}at /m)
  },
)

it('prints the address of a failed client, and escapes control characters in messages', async () => {
  const { program, url } = await start_server('serve')
  const client = connect({ type: 'ws', url })
  client.send('\x1b[2Jgone\x07')
  client.send(Uint8Array.of(1))
  expect(await client.closed).toMatchObject({ code: 1003 })
  await program.says('is gone')
  const [, address] = /server {2}(\S+) is gone/.exec(program.stdout) ?? []
  await program.until(({ stderr }) =>
    stderr.startsWith(`error: ${address}: closed with 1003: the peer sent a binary message`),
  )
  expect(program.stdout).toContain("says '\\x1b[2Jgone\\x07'")
})

/** Starts a server that has received a message, and answers it once allowed. Its output is not printed. */
async function start_slow(): Promise<{ server: WsServer; client: WsClient; may_answer: () => void }> {
  const print = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const { promise: allowed, resolve: may_answer } = deferred()
  const { promise: asked, resolve: resolve_asked } = deferred()
  const on_message = async (socket: WsSocket): Promise<void> => {
    resolve_asked()
    await allowed
    socket.send('answer')
  }
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', on_message })
  onTestFinished(async () => {
    may_answer()
    server.close()
    await server.closed
    print.mockRestore()
  })
  await server.opened
  const client = connect({ type: 'ws', url: `ws://${server.addr}/ws` })
  client.send('question')
  await asked
  return { server, client, may_answer }
}
