import { expect, it } from 'vitest'
import { run_in_process } from './run_in_process.ts'

it('explains pipes, headers, subprotocols and topics with connect --help', async () => {
  const { code, stdout } = await run_in_process(['connect', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('After the end of the input it waits')
  expect(stdout).toMatch(/^ {2}--header <name:value> /m)
  expect(stdout).toMatch(/^ {2}--protocol <name> /m)
  expect(stdout).toContain('--topic <name>')
})

it('explains workers and clusters with serve --help', async () => {
  const { code, stdout } = await run_in_process(['serve', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--workers <count>')
  expect(stdout).toContain('--cluster <url>')
})

it('explains sessions and cuts with count --help', async () => {
  const { code, stdout } = await run_in_process(['count', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--session')
  expect(stdout).toContain('--cut <seconds>')
  expect(stdout).toContain('missing 0, twice 0')
})

it('prints its version', async () => {
  const { code, stdout } = await run_in_process(['--version'])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
})
