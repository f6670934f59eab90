import { status_for } from '@bt/test-support/handshake'
import { expect, it } from 'vitest'
import { start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

const ELSEWHERE = 'https://example.com'
const ALSO_ELSEWHERE = 'https://example.org'
const THIS_MACHINE = 'http://127.0.0.1:3000'

it('accepts pages of this machine, and names the option that accepts others', async () => {
  const { program, url } = await start_server('serve')
  expect(await status_for(url, THIS_MACHINE)).toBe(101)
  expect(await status_for(url, ELSEWHERE)).toBe(403)
  await program.until(({ stderr }) => /^error: .*origins: \["https:\/\/example\.com"\].*\n$/.test(stderr))
})

it('accepts pages of each --origin, and no others', async () => {
  const { url } = await start_server('serve', '--origin', ELSEWHERE, '--origin', ALSO_ELSEWHERE)
  const statuses = await Promise.all(
    [ELSEWHERE, ALSO_ELSEWHERE, THIS_MACHINE].map(origin => status_for(url, origin)),
  )
  expect(statuses).toEqual([101, 101, 403])
})

it('accepts every page with --origin *', async () => {
  const { url } = await start_server('serve', '--origin', '*')
  expect(await status_for(url, ELSEWHERE)).toBe(101)
})

it('reports an invalid origin in one line, and exits with code 1', async () => {
  const { code, stdout, stderr } = await run_in_process(['serve', '--origin', 'https://example.com/page'])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .*write "https:\/\/example\.com".*\n$/)
})
