import { expect, it } from 'vitest'
import { Program, run, start_server } from './program.ts'

it('lists its commands with --help', async () => {
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  for (const command of ['demo', 'serve', 'connect'])
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
})

it('tells with connect --help when a pipe is done', async () => {
  const { code, stdout } = await run(['connect', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('After the end of the input it waits')
})

it('prints its version', async () => {
  const { code, stdout } = await run(['--version'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})

it('says in one line that there is no such command', async () => {
  const { code, stderr } = await run(['whisper'])
  expect(code).toBe(1)
  expect(stderr).toBe("error: unknown command 'whisper'\n")
})

it.each([{}, { NO_COLOR: '1' }])('prints no escape codes where there is no terminal (%o)', async env => {
  const { program, url } = await start_server('demo')
  const client = new Program(['connect', url], env)
  client.type('a')
  await client.says('echo:a')
  client.child.stdin.end()
  await client.exit
  const refused = await run(['connect', 'nonsense'], env)
  const help = await run(['--help'], env)
  for (const { stdout, stderr } of [program, client, refused, help]) {
    expect(stdout + stderr).not.toBe('')
    expect(stdout + stderr).not.toContain('\x1b')
  }
})
