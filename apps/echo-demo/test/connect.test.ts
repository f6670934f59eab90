import { expect, it } from 'vitest'
import { Silence } from '../src/silence.ts'
import { start_echo_host, start_host, unused_url } from './host.ts'
import { PATIENTLY, Program, run, start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

it('prints the answers to piped lines on stdout, and nothing else, and ends with code 0', async () => {
  const { url } = await start_server('serve')
  const client = new Program(['connect', url, ...PATIENTLY])
  client.child.stdin.end('a\n\nb\r\nc')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:a\necho:\necho:b\necho:c\n')
  expect(client.stderr).toBe(`connected to ${url}\nclosed (code 1000, cause local)\n`)
})

it('prints what the server says first, when there is no input', async () => {
  const { url } = await start_host({ on_connect: socket => void socket.send('only this') })
  const client = new Program(['connect', url])
  await client.says('only this')
  client.child.stdin.end()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('only this\n')
})

it('gets 20,000 lines there and back, in order', async () => {
  const { url } = await start_server('serve')
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`)
  const client = new Program(['connect', url, ...PATIENTLY])
  client.child.stdin.end(lines.join('\n'))
  expect(await client.exit).toEqual({ code: 0, signal: null })
  const answers = client.stdout.split('\n')
  expect(answers.splice(0, 1)).toEqual(['welcome'])
  expect(answers.pop()).toBe('')
  expect(answers.length).toBe(lines.length)
  expect(answers.findIndex((answer, index) => answer !== `echo:${lines[index]}`)).toBe(-1)
})

it('gets more through than there is room for while the server does not read', async () => {
  let read!: () => void
  const may_read = new Promise<void>(resolve => {
    read = resolve
  })
  const got: string[] = []
  const { url } = await start_host({
    on_connect: () => may_read,
    on_message: (_socket, data) => void got.push(data.slice(0, 6)),
  })
  const client = new Program(['connect', url])
  // Far more than the client's queue and the kernel's buffers hold together.
  const lines = Array.from({ length: 40_000 }, (_, index) => String(index).padEnd(1_000))
  client.child.stdin.end(lines.join('\n'))
  await client.until(({ stderr }) => stderr.startsWith('connected'))
  // As long as another client takes for all it does, this one has nobody to send to.
  await run(['connect', url])
  read()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stderr).not.toContain('error')
  expect(got.length).toBe(lines.length)
  expect(got.findIndex((start, index) => Number(start) !== index)).toBe(-1)
})

it('waits for whoever reads its output slowly, and loses nothing', async () => {
  const { url } = await start_echo_host()
  const client = new Program(['connect', url, '--wait', '100'])
  client.child.stdout.pause()
  client.child.stdin.end(`${'x'.repeat(1_000)}\n`.repeat(2_000))
  // With stdout stopped up, the client is quiet for far longer than --wait before it is read again.
  await client.until(({ stderr }) => stderr.startsWith('connected'))
  await new Silence(500).lasted()
  client.child.stdout.resume()
  expect((await client.exit).code).toBe(0)
  expect(client.stdout.split('\n').length).toBe(2_002)
})

it('sends lines as bytes, and prints bytes as they come, with --binary', async () => {
  const { url } = await start_server('serve', '--binary')
  const client = new Program(['connect', '--binary', url])
  client.child.stdout.setEncoding('latin1')
  client.child.stdin.write(Buffer.from('a\x00\xff\nb\n', 'latin1'))
  await client.says('echo:b')
  client.child.stdin.end()
  expect((await client.exit).code).toBe(0)
  expect(client.stdout).toBe('welcome\necho:a\x00\xff\necho:b\n')
})

it('says how the server closed, and ends with code 1', async () => {
  const { url } = await start_host({ on_connect: socket => void socket.close(4_001, 'too late') })
  const client = new Program(['connect', url])
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toContain("closed (code 4001, cause peer, reason 'too late')\n")
})

it('says that the server went away, and ends with code 1', async () => {
  const { program, url } = await start_server('serve')
  const client = new Program(['connect', url])
  await client.says('welcome')
  program.child.kill('SIGKILL')
  expect((await client.exit).code).toBe(1)
  expect(client.stderr).toMatch(/error: the connection to \S+ was lost/)
  expect(client.stderr).toMatch(/closed \(code 1006, cause network, without a Close from the other side/)
})

it('says in one line that a line is too long to be sent, and ends with code 1', async () => {
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

it('closes in order, and quietly, when nobody reads its output any more', async () => {
  const { url, first_end } = await start_echo_host()
  const client = new Program(['connect', url])
  await client.says('welcome')
  client.child.stdout.destroy()
  client.type('who reads this?')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stderr).toBe(`connected to ${url}\nclosed (code 1000, cause local)\n`)
  expect(await first_end).toMatchObject({ code: 1000, cause: 'peer' })
})

it('says in one line that nobody listens, and ends with code 1', async () => {
  const url = await unused_url()
  const { code, stdout, stderr } = await run(['connect', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .*nobody listens at.*\n$/)
  expect(stderr).toContain(url)
})

it.each([
  { given: ['nonsense'], said: 'the option url is "nonsense"' },
  { given: ['--wait', 'long'], said: "option '--wait <ms>' is invalid" },
])('says in one line what is wrong with $given, and ends with code 1', async ({ given, said }) => {
  const { code, stderr } = await run_in_process(['connect', ...given])
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error: .*\n$/)
  expect(stderr).toContain(said)
})
