import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { type AddressInfo, connect as connect_tcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, listen, type NetError, refuse, type WsConnectOptions, type WsListenOptions } from '@bt/net'
import { make_authority } from '@bt/test-support/certificates'
import { free_port } from '@bt/test-support/free_port'
import { describe_with, system_program } from '@bt/test-support/installed'
import { TINYPROXY } from '@bt/test-support/programs'
import { RunningProgram } from '@bt/test-support/running_program'
import { HttpsProxyAgent } from 'https-proxy-agent'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { port_of } from './pair.ts'

const tinyproxy = system_program(TINYPROXY)
const authority = await make_authority()
const identity = await authority.issue({ hosts: ['localhost', '127.0.0.1'] })

/** A program that connects to its argument, and prints what happens. */
const CLIENT = `
import { connect } from '@bt/net'
const ws = connect({ type: 'ws', url: process.argv[1], on_error: err => console.log(err.message) })
ws.on_message(data => { console.log(data); ws.close() })
`

/** Starts a server that greets, and returns the URL of it. */
async function start_server(options: Partial<WsListenOptions> = {}): Promise<string> {
  const server = listen({
    type: 'ws',
    bind: '127.0.0.1:0',
    on_connect: socket => void socket.send('hello'),
    ...options,
  })
  onTestFinished(async () => {
    server.close()
    await server.closed
  })
  return `${options.tls === undefined ? 'ws' : 'wss'}://localhost:${await port_of(server)}/ws`
}

/** Connects, and returns the first message, or the error. */
async function greeting(url: string, options: Partial<WsConnectOptions>): Promise<string | NetError> {
  const ws = connect({ type: 'ws', url, on_error: () => {}, ...options })
  try {
    for await (const data of ws) return data
    throw new Error('there was no message')
  } catch (error) {
    return error as NetError
  } finally {
    ws.close()
    await ws.closed
  }
}

/** Connects in another process, which starts with the variables; returns what it printed. */
function output_with(env: NodeJS.ProcessEnv, url: string): Promise<string> {
  const args = ['--input-type=module', '--no-warnings', '--eval', CLIENT, url]
  return new RunningProgram(process.execPath, args, {
    cwd: import.meta.dirname,
    env: { ...env, PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', NODE_EXTRA_CA_CERTS: env.CA },
  }).all_written()
}

describe_with(tinyproxy, 'our client behind tinyproxy', () => {
  describe.each([
    ['without a password', ''],
    ['with a password', 'ada:secret@'],
  ])('%s', (_title, credentials) => {
    let folder: string
    let program: RunningProgram
    let address: string
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'bt-tinyproxy-'))
      const port = await free_port()
      address = `127.0.0.1:${port}`
      const lines = ['Listen 127.0.0.1', `Port ${port}`, 'Timeout 60', 'MaxClients 20', 'LogLevel Info']
      if (credentials !== '') lines.push('BasicAuth ada secret')
      writeFileSync(join(folder, 'tinyproxy.conf'), `${lines.join('\n')}\n`)
      writeFileSync(join(folder, 'ca.pem'), authority.cert)
      program = new RunningProgram(tinyproxy.command, ['-d', '-c', join(folder, 'tinyproxy.conf')])
      await program.says('Accepting connections')
    })
    afterAll(async () => {
      await program.stop()
      rmSync(folder, { recursive: true })
    })

    const agent_for = (user = credentials): HttpsProxyAgent<string> => {
      const agent = new HttpsProxyAgent(`http://${user}${address}`)
      onTestFinished(() => agent.destroy())
      return agent
    }
    const log_of = (url: string): string => `CONNECT ${new URL(url).host} HTTP/1.1`

    it('opens ws: and wss: URLs by an agent', async () => {
      const plain = await start_server()
      const secure = await start_server({ tls: identity })
      expect(await greeting(plain, { agent: agent_for() })).toBe('hello')
      expect(await greeting(secure, { agent: agent_for(), tls: { ca: authority.cert } })).toBe('hello')
      expect(await greeting(secure, { agent: agent_for() })).toMatchObject({ code: 'tls_failed' })
      await program.says(log_of(plain))
      await program.says(log_of(secure))
    })

    it('opens ws: and wss: URLs by the environment, unless NO_PROXY lists the host', async () => {
      const env = {
        HTTP_PROXY: `http://${credentials}${address}`,
        HTTPS_PROXY: `http://${credentials}${address}`,
        CA: join(folder, 'ca.pem'),
      }
      const plain = await start_server()
      const secure = await start_server({ tls: identity })
      const exempt = await start_server()
      expect(await output_with(env, plain)).toBe('hello\n')
      expect(await output_with(env, secure)).toBe('hello\n')
      expect(await output_with({ ...env, NO_PROXY: 'localhost' }, exempt)).toBe('hello\n')
      await program.says(log_of(plain))
      await program.says(log_of(secure))
      expect(program.written).not.toContain(log_of(exempt))
    })

    it('reports a server that does not run, and the refusal of one that does', async () => {
      const port = await free_port()
      expect(await greeting(`ws://localhost:${port}/ws`, { agent: agent_for() })).toMatchObject({
        code: 'handshake_refused',
        message: `connect: the proxy http://${address} (for ws://localhost:${port}/ws) answered 500 Unable to connect, and opened no tunnel; it may not reach the server: check the URL, and that the server runs`,
      })
      const url = await start_server({ authorize: () => refuse(401, 'sign in') })
      expect(await greeting(url, { agent: agent_for() })).toMatchObject({
        code: 'handshake_refused',
        message: `connect: ${url} was answered 401 Unauthorized: sign in`,
      })
    })

    if (credentials === '') return
    it('reports a wrong password and a missing one, but shows none', async () => {
      const url = await start_server()
      for (const [user, status] of [
        ['ada:wrong@', '401 Unauthorized'],
        ['', '407 Proxy Authentication Required'],
      ] as const) {
        const error = await greeting(url, { agent: agent_for(user) })
        expect(error).toMatchObject({ cause: { status: Number.parseInt(status, 10), answered_by: 'proxy' } })
        const message = `connect: the proxy http://${address} (for ${url}) answered ${status}, and opened no tunnel; check the user and password in the URL of the proxy`
        expect(error).toMatchObject({ code: 'handshake_refused', message })
        const printed = await output_with({ HTTP_PROXY: `http://${user}${address}` }, url)
        expect(printed).toBe(`${message}\n`)
      }
    })
  })
})

it('our client trusts a proxy over TLS by NODE_EXTRA_CA_CERTS, and names one that it does not trust', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bt-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, authority.cert)
  const url = await start_server({ tls: identity })
  const proxy = createServer(identity)
  proxy.on('connect', (_request, socket) => {
    const through = connect_tcp(Number(new URL(url).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    for (const side of [socket, through]) side.on('error', () => {})
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  onTestFinished(() => void proxy.close())
  const HTTPS_PROXY = `https://ada:secret@localhost:${(proxy.address() as AddressInfo).port}`
  expect(await output_with({ HTTPS_PROXY, CA: ca }, url)).toBe('hello\n')
  expect(await output_with({ HTTPS_PROXY }, url)).toMatch(
    /^connect: the proxy https:\/\/localhost:\d+ \(for wss:.*\) failed in TLS: .*NODE_EXTRA_CA_CERTS/,
  )
})
