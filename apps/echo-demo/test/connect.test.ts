import { deferred } from '@bt/test-support/deferred'
import { expect, it } from 'vitest'
import { Silence } from '../src/client/silence.ts'
import { start_echo_host, start_host, unused_url } from './host.ts'
import { LONG_WAIT, Program, run, start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

it('prints only the answers to piped lines on stdout, and exits with code 0', async () => {
  const { url } = await start_server('serve')
  const client = new Program(['connect', url, ...LONG_WAIT])
  client.child.stdin.end('a\n\nb\r\nc')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:a\necho:\necho:b\necho:c\n')
  expect(client.stderr).toBe(`connected to ${url}\nclosed (code 1000, cause local)\n`)
})

it('prints what the server sends first, without any input', async () => {
  const { url } = await start_host({ on_connect: socket => void socket.send('only this') })
  const client = new Program(['connect', url])
  await client.says('only this')
  client.child.stdin.end()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('only this\n')
})

it('sends 20,000 lines and gets them back in order', async () => {
  const { url } = await start_server('serve')
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
  const client = new Program(['connect', url, ...LONG_WAIT])
  client.child.stdin.end(lines.join('\n'))
  expect(await client.exit).toEqual({ code: 0, signal: null })
  const answers = client.stdout.split('\n')
  expect(answers.splice(0, 1)).toEqual(['welcome'])
  expect(answers.pop()).toBe('')
  expect(answers.length).toBe(lines.length)
  expect(answers.findIndex((answer, index) => answer !== `echo:${lines[index]}`)).toBe(-1)
})

it('loses no line when the input exceeds the queue while the server does not read', async () => {
  const { promise: may_read, resolve: read } = deferred()
  const received: string[] = []
  const { url } = await start_host({
    on_connect: () => may_read,
    on_message: (_socket, data) => void received.push(data.slice(0, 6)),
  })
  const client = new Program(['connect', url])
  // Far more than the client's queue and the kernel's buffers hold together.
  const lines = Array.from({ length: 40_000 }, (_, index) => String(index).padEnd(1_000))
  client.child.stdin.end(lines.join('\n'))
  await client.until(({ stderr }) => stderr.startsWith('connected'))
  // The server stays blocked for the whole run of another client.
  await run(['connect', url])
  read()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stderr).not.toContain('error')
  expect(received.length).toBe(lines.length)
  expect(received.findIndex((start, index) => Number(start) !== index)).toBe(-1)
})

it('waits for a slow reader of its output, and loses nothing', async () => {
  const { url } = await start_echo_host()
  const client = new Program(['connect', url, '--wait', '100'])
  client.child.stdout.pause()
  client.child.stdin.end(`${'x'.repeat(1_000)}\n`.repeat(2_000))
  // While stdout is blocked, the client stays silent for far longer than --wait.
  await client.until(({ stderr }) => stderr.startsWith('connected'))
  await new Silence(500).lasted()
  client.child.stdout.resume()
  expect((await client.exit).code).toBe(0)
  expect(client.stdout.split('\n').length).toBe(2_002)
})

it('sends lines as bytes, and prints received bytes unchanged, with --binary', async () => {
  const { url } = await start_server('serve', '--binary')
  const client = new Program(['connect', '--binary', url])
  client.child.stdout.setEncoding('latin1')
  client.child.stdin.write(Buffer.from('a\x00\xff\nb\n', 'latin1'))
  await client.says('echo:b')
  client.child.stdin.end()
  expect((await client.exit).code).toBe(0)
  expect(client.stdout).toBe('welcome\necho:a\x00\xff\necho:b\n')
})

it('prints how the server closed, and exits with code 1', async () => {
  const { url } = await start_host({ on_connect: socket => void socket.close(4_001, 'too late') })
  const client = new Program(['connect', url])
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toContain("closed (code 4001, cause peer, reason 'too late')\n")
})

it('reports a lost connection, and exits with code 1', async () => {
  const { program, url } = await start_server('serve')
  const client = new Program(['connect', url])
  await client.says('welcome')
  program.child.kill('SIGKILL')
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toMatch(/error: the connection to \S+ was lost/)
  expect(client.stderr).toMatch(/closed \(code 1006, cause network, without a Close from the other side/)
})

it('reports in one line that a line is too long to send, and exits with code 1', async () => {
  const { url } = await start_echo_host()
  const client = new Program(['connect', url])
  client.child.stdin.end('x'.repeat(5_000_000))
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toMatch(/^error: send got a message that can never fit.*$/m)
})

it.skipIf(process.platform === 'win32')('closes in order at Ctrl-C', async () => {
  const { url, first_end } = await start_echo_host()
  const client = new Program(['connect', url])
  await client.says('welcome')
  client.child.kill('SIGINT')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(await first_end).toMatchObject({ code: 1000, cause: 'peer' })
})

it('closes in order and without an error when the reader of its output is gone', async () => {
  const { url, first_end } = await start_echo_host()
  const client = new Program(['connect', url])
  await client.says('welcome')
  client.child.stdout.destroy()
  client.type('who reads this?')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stderr).toBe(`connected to ${url}\nclosed (code 1000, cause local)\n`)
  expect(await first_end).toMatchObject({ code: 1000, cause: 'peer' })
})

it('reports in one line that no server listens, and exits with code 1', async () => {
  const url = await unused_url()
  const { code, stdout, stderr } = await run(['connect', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .*nobody listens at.*\n$/)
  expect(stderr).toContain(url)
})

it.each([
  { given: ['nonsense'], expected: 'the option url is "nonsense"' },
  { given: ['--wait', 'long'], expected: "option '--wait <ms>' is invalid" },
])(
  'reports the invalid argument of $given in one line, and exits with code 1',
  async ({ given, expected }) => {
    const { code, stderr } = await run_in_process(['connect', ...given])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^error: .*\n$/)
    expect(stderr).toContain(expected)
  },
)
