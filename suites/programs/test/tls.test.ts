import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type CloseInfo, listen, type WsServer } from '@bt/net'
import { describe_with, system_program } from '@bt/test-support/installed'
import { CURL, OPENSSL } from '@bt/test-support/programs'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { AsyncQueue } from './async_queue.ts'
import { type Certificate, create_certificate, trust_variables } from './certificate.ts'
import { port_of } from './pair.ts'
import { PeerProgram } from './peer_program.ts'
import { bun_web_socket, deno_web_socket, python_aiohttp, python_websockets, undici_client } from './peers.ts'

const OPTIONS = { protocols: [], compression: false }
const CLIENTS = [python_websockets(), python_aiohttp(), undici_client(), bun_web_socket(), deno_web_socket()]

describe_with(system_program(OPENSSL), 'our server with TLS', () => {
  const closes = new AsyncQueue<CloseInfo>()
  let folder: string
  let certificate: Certificate
  let server: WsServer
  let authority: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bt-tls-'))
    certificate = create_certificate(folder)
    const [cert, key] = [readFileSync(certificate.cert_path), readFileSync(certificate.key_path)]
    server = listen({
      type: 'ws',
      bind: '127.0.0.1:0',
      tls: { cert, key },
      on_message: (socket, data) => void socket.send(data),
      on_close: (_socket, info) => closes.push(info),
      on_error: () => {},
    })
    authority = `localhost:${await port_of(server)}`
  })
  afterAll(async () => {
    server.close()
    await server.closed
    rmSync(folder, { recursive: true })
  })

  for (const { installed, args } of CLIENTS) {
    describe_with(installed, `and ${installed.name}`, () => {
      const start = (env: NodeJS.ProcessEnv): PeerProgram => {
        const program = new PeerProgram(installed.command, args, env)
        onTestFinished(() => program.kill())
        return program
      }

      it('echoes texts and receives the close code of a client that trusts its certificate', async () => {
        const program = start(trust_variables(certificate))
        program.connect(`wss://${authority}/ws`, OPTIONS)
        expect(await program.next()).toMatchObject({ event: 'open' })
        for (const text of ['你好', 'x'.repeat(1_048_576)]) {
          program.send(text)
          expect(await program.next_text()).toBe(text)
        }
        program.close(4002, 'done')
        expect(await closes.next()).toMatchObject({ code: 4002, reason: 'done', cause: 'peer', clean: true })
        expect(await program.next()).toMatchObject({ event: 'close', code: 4002 })
      })

      it('is refused by a client that does not trust its certificate', async () => {
        const program = start({})
        program.connect(`wss://${authority}/ws`, OPTIONS)
        expect(await program.next()).toMatchObject({ event: 'refused' })
      })
    })
  }

  const curl = system_program(CURL)
  describe_with(curl, 'and curl', () => {
    it('answers a plain request with 426', async () => {
      const args = ['--silent', '--include', '--http1.1', '--cacert', certificate.cert_path]
      const { stdout } = await promisify(execFile)(curl.command, [...args, `https://${authority}/ws`])
      expect(stdout).toMatch(/^HTTP\/1\.1 426 /)
    })
  })
})
