import { connect } from '@bt/net'
import { expect, it } from 'vitest'
import { run, start_server } from './program.ts'

const is_windows = process.platform === 'win32'

it('names its default addresses with --help', async () => {
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('(default: 127.0.0.1:8080)')
  expect(stdout).toContain('(default: 127.0.0.1:8082)')
})

it('prints the URLs of the page and of the WebSocket', async () => {
  const { program } = await start_server()
  expect(program.stdout).toMatch(/^page {4}open http:\/\/127\.0\.0\.1:\d+\/ in a browser\n/)
  expect(program.stdout).toMatch(/\npage {4}its server is listening on ws:\/\/127\.0\.0\.1:\d+\/ws\n/)
  expect(program.stdout + program.stderr).not.toContain('\x1b')
})

it.skipIf(is_windows).each(['SIGINT', 'SIGTERM'] as const)(
  'at %s closes every connection with 1012 and a delay of its own, and exits with code 0',
  async signal => {
    const { program, ws_url } = await start_server()
    const client = connect({ type: 'ws', url: ws_url })
    client.on_message(() => {})
    await client.opened
    await program.says('Otter joined')
    program.child.kill(signal)
    const info = await client.closed
    expect(info).toMatchObject({ code: 1012, cause: 'peer', clean: true })
    const [, wait_ms] = /^the server stops; retry_after_ms=(\d+)$/.exec(info.reason) ?? []
    expect(Number(wait_ms)).toBeLessThan(2_000)
    expect(await program.exit).toEqual({ code: 0, signal: null })
    expect(program.stdout).toContain(
      'page    stopping; 1 page is asked to reconnect within 2 s (Close 1012)\n',
    )
    expect(program.stdout).toMatch(/Otter left \(code 1012, cause shutdown\)\npage {4}stopped\n$/)
    expect(program.stderr).toBe('')
  },
)

it('reports in one line which port is in use, and exits with code 1', async () => {
  const { url, ws_url } = await start_server()
  const { host } = new URL(url)
  const { host: ws_host } = new URL(ws_url)
  const attempts = [
    { taken: host, args: ['--bind', host, '--ws-bind', '127.0.0.1:0'] },
    { taken: ws_host, args: ['--bind', '127.0.0.1:0', '--ws-bind', ws_host] },
  ]
  for (const { taken, args } of attempts) {
    const second = await run(args)
    expect(second.code).toBe(1)
    expect(second.stdout).toBe('')
    expect(second.stderr).toMatch(/^error: .*the port is in use; .*\n$/)
    expect(second.stderr).toContain(taken)
  }
})

it.each(['nonsense', '0.0.0.0:8080', '127.0.0.1:99999'])(
  'rejects %s as an address to listen on',
  async addr => {
    const { code, stderr } = await run(['--bind', addr])
    expect(code).toBe(1)
    expect(stderr).toContain('Give a loopback address and a port')
    expect(stderr).not.toMatch(/^ {4}at /m)
  },
)
