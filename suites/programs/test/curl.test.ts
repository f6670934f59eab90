import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { listen, type WsServer } from '@bt/net'
import { describe_with, system_program } from '@bt/test-support/installed'
import { CURL } from '@bt/test-support/programs'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { port_of } from './pair.ts'

const curl = system_program(CURL)

/** The handshake and the accept value from RFC 6455 §1.3. */
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
    ['a plain request for the route', 426, '/ws', [], /^Upgrade: websocket\r$/m],
    ['a plain request for another path', 404, '/', [], /^There is no WebSocket at this path\.$/m],
    ['a handshake at another path', 404, '/other', headers_of(HANDSHAKE), /^Connection: close\r$/m],
    ['an upload', 426, '/ws', ['--data', 'x=1'], /^Upgrade: websocket\r$/m],
    [
      'a handshake of an old version',
      426,
      '/ws',
      headers_of({ ...HANDSHAKE, 'Sec-WebSocket-Version': '8' }),
      /^Sec-WebSocket-Version: 13\r$/m,
    ],
    [
      'a handshake without a key',
      400,
      '/ws',
      headers_of({ ...HANDSHAKE, 'Sec-WebSocket-Key': '' }),
      /Sec-WebSocket-Key header is missing/,
    ],
    ['a handshake by POST', 400, '/ws', ['-X', 'POST', ...headers_of(HANDSHAKE)], /has to be GET/],
  ])('sends %s, and gets %i', async (_request, status, path, args, expected) => {
    const all = ['--silent', '--include', '--http1.1', ...args, base + path]
    const { stdout } = await promisify(execFile)(curl.command, all)
    expect(stdout).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(stdout).toMatch(expected)
  })

  it('sends a handshake, and gets 101, the correct Sec-WebSocket-Accept, and the first frame', async () => {
    const args = ['--silent', '--include', '--no-buffer', '--http1.1', ...headers_of(HANDSHAKE)]
    const child = spawn(curl.command, [...args, `${base}/ws`])
    const ended = once(child, 'close')
    onTestFinished(async () => {
      child.kill()
      await ended
    })
    let output = ''
    for await (const part of child.stdout.setEncoding('latin1')) {
      output += part
      if (output.endsWith('welcome')) break
    }
    const [head = '', frame] = output.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual([
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${ACCEPT}`,
    ])
    // RFC 6455 §5.2: an unfragmented text message of 7 bytes.
    expect(frame).toBe('\x81\x07welcome')
  })
})

function headers_of(headers: Readonly<Record<string, string>>): string[] {
  // The semicolon makes curl send a header without a value.
  return Object.entries(headers).flatMap(([name, value]) => [
    '-H',
    value === '' ? `${name};` : `${name}: ${value}`,
  ])
}
