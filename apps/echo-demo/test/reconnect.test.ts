import { expect, it } from 'vitest'
import { start_echo_host, start_host, unused_url } from './host.ts'
import { LONG_WAIT, Program, start_server } from './program.ts'

const is_windows = process.platform === 'win32'

it('reconnects when the server returns, reports that, and sends waiting lines in order and once', async () => {
  const { program, url } = await start_server('serve')
  const client = new Program(['connect', '--reconnect', url])
  client.type('one')
  await client.says('echo:one')
  program.child.kill('SIGKILL')
  await client.until(({ stderr }) => stderr.includes('lost (code 1006, cause network, '))
  client.type('two', 'three')
  await client.until(({ stderr }) => stderr.includes('not connected; attempt 2 in '))
  await start_echo_host({ bind: new URL(url).host })
  client.type('four')
  await client.says('echo:four')
  client.child.stdin.end()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:one\nwelcome\necho:two\necho:three\necho:four\n')
  expect(client.stderr).toContain(`\nconnected again to ${url}\nclosed (code 1000, cause local)\n`)
  expect(client.stderr.match(/^error: /gm)).toHaveLength(1)
})

it('waits for a server that does not run yet', async () => {
  const url = await unused_url()
  const client = new Program(['connect', '--reconnect', ...LONG_WAIT, url])
  client.child.stdin.end('hello')
  await client.until(({ stderr }) => stderr.includes('not connected; attempt 1 in '))
  await start_echo_host({ bind: new URL(url).host })
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:hello\n')
  expect(client.stderr).toContain(`connected to ${url}\n`)
})

it('waits for answers after reconnecting, even if the input has ended', async () => {
  const { url, stop } = await start_echo_host()
  const client = new Program(['connect', '--reconnect', ...LONG_WAIT, url])
  client.child.stdin.end('one')
  await client.says('echo:one')
  await stop()
  await client.until(({ stderr }) => stderr.includes('not connected; attempt 3 in '))
  await start_echo_host({ bind: new URL(url).host })
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:one\nwelcome\n')
})

it('prints how the server closed, and when it reconnects', async () => {
  const { url, stop } = await start_echo_host()
  const client = new Program(['connect', '--reconnect', url])
  await client.says('welcome')
  await stop({ spread_ms: 200 })
  await client.until(({ stderr }) =>
    /\nlost \(code 1012, cause peer, reason 'retry_after_ms=\d+'\); attempt 1 in \d\.\d s\n/.test(stderr),
  )
  await start_echo_host({ bind: new URL(url).host })
  await client.until(({ stdout }) => stdout === 'welcome\nwelcome\n')
})

it.skipIf(is_windows)('stops reconnecting at Ctrl-C, and exits with code 1', async () => {
  const { url, stop } = await start_echo_host()
  const client = new Program(['connect', '--reconnect', url])
  await client.says('welcome')
  await stop()
  await client.until(({ stderr }) => stderr.includes('not connected; attempt 2 in '))
  client.child.kill('SIGINT')
  expect(await client.exit).toEqual({ code: 1, signal: null })
  expect(client.stderr).toMatch(/\nclosed \(code 1006, cause local, without a Close from the other side\)\n$/)
})

it('does not reconnect after a close code that is final', async () => {
  const { url } = await start_host({ on_connect: socket => void socket.close(4_404, 'nobody here') })
  const client = new Program(['connect', '--reconnect', url])
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toBe(`connected to ${url}\nclosed (code 4404, cause peer, reason 'nobody here')\n`)
})
