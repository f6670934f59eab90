import { describe, expect, it } from 'vitest'
import { start_echo_host } from './host.ts'
import { ON_FULL_DISK, run, start_server } from './program.ts'

it('lists its commands with --help', async () => {
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  for (const command of ['demo', 'serve', 'connect'])
    expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
})

it('reports an unknown command in one line', async () => {
  const { code, stderr } = await run(['whisper'])
  expect(code).toBe(1)
  expect(stderr).toBe("error: unknown command 'whisper'\n")
})

it.each([{}, { NO_COLOR: '1' }])('prints no escape codes without a terminal (%o)', async env => {
  const { program, url } = await start_server('demo')
  const client = await run(['connect', url], env)
  const refused = await run(['connect', 'nonsense'], env)
  expect(refused.code).toBe(1)
  const help = await run(['--help'], env)
  for (const { stdout, stderr } of [program, client, refused, help]) {
    expect(stdout + stderr).not.toBe('')
    expect(stdout + stderr).not.toContain('\x1b')
  }
})

describe.skipIf(process.platform !== 'linux')('on a full disk', () => {
  const FULL = "the output can't be written: ENOSPC: no space left on device, write"

  it('connect reports that in one line, closes in order, and exits with code 1', async () => {
    const { url, first_end } = await start_echo_host()
    const { code, stderr } = await run(['connect', url], {}, ON_FULL_DISK)
    expect(stderr).toBe(`connected to ${url}\nerror: ${FULL}\nclosed (code 1000, cause local)\n`)
    expect(code).toBe(1)
    expect(await first_end).toMatchObject({ code: 1000, cause: 'peer' })
  })

  it.each([[[]], [['--workers', '2']]])(
    'serve reports that in one line, stops in order, and exits with code 1 (%j)',
    async more => {
      const { code, stderr } = await run(['serve', '--bind', '127.0.0.1:0', ...more], {}, ON_FULL_DISK)
      expect(stderr).toMatch(new RegExp(`^error: ${FULL}\n(error: worker \\d: ${FULL}\n)*$`))
      expect(code).toBe(1)
    },
  )
})
