import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { make_authority } from '@bt/test-support/certificates'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LONG_WAIT, Program, run, start_server } from './program.ts'
import { run_in_process } from './run_in_process.ts'

const folder = mkdtempSync(join(tmpdir(), 'bt-net-'))
const [ca, cert, key] = ['ca.crt', 'server.crt', 'server.key'].map(name => join(folder, name)) as [
  string,
  string,
  string,
]
const identity = ['--tls-cert', cert, '--tls-key', key]

beforeAll(async () => {
  const authority = await make_authority()
  const issued = await authority.issue({ hosts: ['127.0.0.1'] })
  writeFileSync(ca, authority.cert)
  writeFileSync(cert, issued.cert)
  writeFileSync(key, issued.key)
})
afterAll(() => rmSync(folder, { recursive: true }))

it('serves over TLS with --tls-cert and --tls-key, and connects with --ca', async () => {
  const { program, url } = await start_server('serve', ...identity)
  expect(url).toMatch(/^wss:\/\/127\.0\.0\.1:\d+\/ws$/)
  expect(program.stdout).toContain('--ca FILE')
  const client = new Program(['connect', '--ca', ca, ...LONG_WAIT, url])
  client.child.stdin.end('one\n')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toBe('welcome\necho:one\n')
})

it.skipIf(process.platform === 'win32')('serves over TLS with several processes', async () => {
  const { url } = await start_server('serve', ...identity, '--workers', '2')
  const client = new Program(['connect', '--ca', ca, ...LONG_WAIT, url])
  client.child.stdin.end('one\n')
  expect(await client.exit).toEqual({ code: 0, signal: null })
  expect(client.stdout).toMatch(/^welcome from worker [12]\necho:one\n$/)
})

it('reports in one line that the server is not trusted, and exits with code 1', async () => {
  const { url } = await start_server('serve', ...identity)
  const { code, stdout, stderr } = await run(['connect', url])
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error: .* failed in TLS: .*authority that is not known here.*\n$/)
})

it.each([
  ['serve', ['--tls-cert', '/no/such/file'], /^error: option '--tls-cert <file>' is invalid\. ENOENT: .*\n$/],
  ['serve', identity.slice(0, 2), /^error: .*in the option tls: the option key is missing.*\n$/],
  ['serve', ['--tls-cert', key, '--tls-key', key], /^error: .*cert is no certificate.*\n$/],
  ['connect', ['--ca', ca], /^error: .*the option tls is for a wss: url.*\n$/],
])(
  'reports the invalid argument of %s %j in one line, and exits with code 1',
  async (command, args, expected) => {
    const { code, stdout, stderr } = await run_in_process([command, ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(stderr).not.toContain('BEGIN')
  },
)
