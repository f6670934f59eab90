import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { listen, type WsServer } from '@bt/net'
import { describe_with, system_program } from '@bt/test-support/installed'
import { CURL } from '@bt/test-support/programs'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { port_of } from './pair.ts'

const curl = system_program(CURL)

/** The handshake of RFC 6455 §1.3, whose right answer stands there too. */
const HANDSHAKE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='

describe_with(curl, 'curl', () => {
  let server: WsServer
  let base: string
  beforeAll(async () => {
    server = listen({ type: 'ws', bind: '127.0.0.1:0', on_connect: socket => void socket.send('welcome') })
    base = `http://127.0.0.1:${await port_of(server)}`
  })
  afterAll(async () => {
    server.close()
    await server.closed
  })

  it.each([
    ['a page at the route', 426, '/ws', [], /^Upgrade: websocket\r$/m],
    ['a page at another path', 404, '/', [], /^There is no WebSocket at this path\.$/m],
    ['a WebSocket at another path', 404, '/other', headers_of(HANDSHAKE), /^Connection: close\r$/m],
    ['an upload', 426, '/ws', ['--data', 'x=1'], /^Upgrade: websocket\r$/m],
    [
      'a WebSocket of an old version',
      426,
      '/ws',
      headers_of({ ...HANDSHAKE, 'Sec-WebSocket-Version': '8' }),
      /^Sec-WebSocket-Version: 13\r$/m,
    ],
    [
      'a WebSocket without a key',
      400,
      '/ws',
      headers_of({ ...HANDSHAKE, 'Sec-WebSocket-Key': '' }),
      /Sec-WebSocket-Key header is missing/,
    ],
    ['a WebSocket by POST', 400, '/ws', ['-X', 'POST', ...headers_of(HANDSHAKE)], /has to be GET/],
  ])('asks for %s, and is answered %i', async (_what, status, path, args, expected) => {
    const all = ['--silent', '--include', '--http1.1', ...args, base + path]
    const { stdout } = await promisify(execFile)(curl.command, all)
    expect(stdout).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(stdout).toMatch(expected)
  })

  it('asks for a WebSocket, and is answered 101, the right Sec-WebSocket-Accept, and the first frame', async () => {
    const args = ['--silent', '--include', '--no-buffer', '--http1.1', ...headers_of(HANDSHAKE)]
    const child = spawn(curl.command, [...args, `${base}/ws`])
    const ended = once(child, 'close')
    onTestFinished(async () => {
      child.kill()
      await ended
    })
    let answer = ''
    for await (const part of child.stdout.setEncoding('latin1')) {
      answer += part
      if (answer.endsWith('welcome')) break
    }
    const [head = '', frame] = answer.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${ACCEPT}`,
    ])
    // RFC 6455 §5.2: a whole text message of 7 bytes.
    expect(frame).toBe('\x81\x07welcome')
  })
})

function headers_of(headers: Readonly<Record<string, string>>): string[] {
  // With a semicolon, curl sends a header that has no value.
  return Object.entries(headers).flatMap(([name, value]) => [
    '-H',
    value === '' ? `${name};` : `${name}: ${value}`,
  ])
}
