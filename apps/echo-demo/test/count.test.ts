import { parse_bound } from '@bt/demo-support/address'
import { Wire } from '@bt/demo-support/wire'
import { expect, it, onTestFinished } from 'vitest'
import { unused_url } from './host.ts'
import { Program, run, start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

const RESULT =
  /^sent ([\d,]+), echoed ([\d,]+), missing ([\d,]+), twice (\d+), over (\d+) connections \((.+)\)\n$/

it('loses no number with --session while the connection is cut, and gets none twice', async () => {
  const { program, url } = await start_server('serve')
  const { code, stdout, stderr } = await run([
    ...['count', '--session', '--cut', '0.5', '--numbers', '120', url],
  ])
  const [, sent, echoed, missing, twice, opened, sessions] = RESULT.exec(stdout) ?? []
  expect({ code, sent, echoed, missing, twice }).toEqual({
    code: 0,
    sent: '120',
    echoed: '120',
    missing: '0',
    twice: '0',
  })
  const recoveries = Number(opened) - 1
  expect(recoveries).toBeGreaterThan(0)
  expect(sessions).toBe(`session recovered ${recoveries} ${recoveries === 1 ? 'time' : 'times'}`)
  expect(stderr).toMatch(
    /^connected: a new session\nlost \(code 1006, .*\nconnected again: the session goes on\n/,
  )
  expect(program.stdout.match(/ connected; /g)).toHaveLength(1)
  await program.says(' is gone (code 1000, cause peer)')
  expect(program.stdout.match(/ is away; its session waits\n/g)).toHaveLength(recoveries)
  expect(program.stdout.match(/ is back, in its session\n/g)).toHaveLength(recoveries)
})

it('shows without --session how many numbers were lost, and exits with code 1', async () => {
  const { url } = await start_server('serve')
  const { code, stdout } = await run(['count', '--cut', '0.5', '--numbers', '120', url])
  const [, sent, echoed, missing, twice, opened, sessions] = RESULT.exec(stdout) ?? []
  expect({ code, sent, twice, sessions }).toEqual({
    code: 1,
    sent: '120',
    twice: '0',
    sessions: 'no session',
  })
  expect(Number(opened)).toBeGreaterThan(1)
  expect(Number(missing)).toBeGreaterThan(0)
  expect(Number(echoed) + Number(missing)).toBe(120)
})

it.skipIf(process.platform === 'win32')('ends early at Ctrl-C, with the result', async () => {
  const { url } = await start_server('serve')
  const client = new Program(['count', url])
  await client.until(({ stderr }) => stderr === 'connected\n')
  client.child.kill('SIGINT')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toMatch(
    /^sent (\d+), echoed \1, missing 0, twice 0, over 1 connection \(no session\)\n$/,
  )
})

it.skipIf(process.platform === 'win32')('stops waiting for a server at Ctrl-C', async () => {
  const client = new Program(['count', await unused_url()])
  await client.until(({ stderr }) => stderr.includes('not connected; attempt 1 in '))
  client.child.kill('SIGINT')
  expect(await client.exit).toEqual({ code: 1, signal: null })
  expect(client.stdout).toBe('')
})

it.each([
  { given: ['--cut', '0.1'], expected: 'Give seconds from 0.5 to 3600' },
  { given: ['--numbers', '0'], expected: 'Give a whole number from 1 to 1000000' },
  { given: ['--cut', '1', 'wss://127.0.0.1:1/ws'], expected: 'the URL has to be one of ws://host:port' },
  { given: ['--cut', '1', 'nonsense'], expected: 'the URL has to be one of ws://host:port' },
])(
  'reports the invalid argument of $given in one line, and exits with code 1',
  async ({ given, expected }) => {
    const { code, stdout, stderr } = await run_in_process(['count', ...given])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.split('\n')[0]).toContain(expected)
  },
)

it('goes on with connect --session where the connection was lost', async () => {
  const { url } = await start_server('serve')
  const wire = new Wire({ host: '127.0.0.1', port: 0 }, parse_bound(new URL(url).host))
  const { port } = await wire.listen()
  onTestFinished(() => wire.close())
  const client = new Program(['connect', '--session', `ws://127.0.0.1:${port}/ws`])
  client.type('one')
  await client.says('echo:one')
  wire.cut_all()
  client.type('two')
  await client.says('echo:two')
  client.child.stdin.end()
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:one\necho:two\n')
  expect(client.stderr).toMatch(
    /\nconnected again to \S+; the session goes on\nclosed \(code 1000, cause local\)\n$/,
  )
})
