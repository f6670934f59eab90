import { describe, expect, it } from 'vitest'
import { HandshakeReader } from '../src/handshake_text.js'
import { unpacked_headers } from '../src/packed_headers.js'

const GOOD = [
  'GET /ws?room=1 HTTP/1.1',
  'Host: example.com:8080',
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** The lines of a handshake as bytes, each character one. */
function bytes_of(lines: readonly string[], behind = ''): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${behind}`, 'latin1')
}

const reader = new HandshakeReader()

/** Those lines with others behind them. */
function read(...more: readonly string[]) {
  return reader.read(bytes_of([...GOOD, ...more]))
}

describe('HandshakeReader', () => {
  it('reads what browsers send', () => {
    const found = read('Origin:http://page', 'X-Empty:', 'X-Latin: \t caf\xe9 a\tb\xa0 \t', 'X-Blank: \t ')
    expect(found?.head).toHaveLength(0)
    expect(found?.request).toMatchObject({
      method: 'GET',
      httpVersion: '1.1',
      url: '/ws?room=1',
      headers: {
        host: 'example.com:8080',
        connection: 'keep-alive, Upgrade',
        upgrade: 'WebSocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        origin: 'http://page',
        'x-empty': '',
        'x-latin': 'caf\xe9 a\tb\xa0',
        'x-blank': '',
      },
      rawHeaders: [
        ...GOOD.slice(1, -1).flatMap(line => line.split(': ')),
        ...['Origin', 'http://page', 'X-Empty', '', 'X-Latin', 'caf\xe9 a\tb\xa0', 'X-Blank', ''],
      ],
    })
  })

  it('reads lists with empty elements, and websocket among other upgrades', () => {
    const lines = [
      ...GOOD.filter(line => !/^(Upgrade|Connection)/.test(line)),
      'Connection: ,keep-alive,, Upgrade ,',
      'Upgrade: ,h2c, WebSocket,',
      'Sec-WebSocket-Protocol: , a,, b,',
    ]
    expect(reader.read(bytes_of(lines))?.request.headers).toMatchObject({
      connection: ',keep-alive,, Upgrade ,',
      upgrade: ',h2c, WebSocket,',
      'sec-websocket-protocol': ', a,, b,',
    })
  })

  it('tells apart handshakes that differ in their keys alone, and packs what they have in common', () => {
    const other_key = 'x3JJHMbDL1EzLkh9GBhXDw=='
    const [first, second] = [GOOD, [...GOOD.slice(0, -1), `sec-websocket-KEY:\t ${other_key}`]].map(
      lines => reader.read(bytes_of(lines))?.request,
    )
    expect(first?.headers['sec-websocket-key']).toBe('dGhlIHNhbXBsZSBub25jZQ==')
    expect(second?.headers).toEqual({ ...first?.headers, 'sec-websocket-key': other_key })
    expect(second?.packed).toBe(first?.packed)
    expect(unpacked_headers(second?.packed ?? '', other_key)).toEqual(second?.headers)
    if (second) second.headers.host = 'changed'
    expect(reader.read(bytes_of(GOOD))?.request.headers.host).toBe('example.com:8080')
  })

  it('hands on what came behind', () => {
    expect(String(reader.read(bytes_of(GOOD, 'frames\r\n\r\n'))?.head)).toBe('frames\r\n\r\n')
  })

  it.each([
    ['nothing', []],
    ['a header without a colon', [...GOOD, 'X']],
    ['a header without a name', [...GOOD, ': x']],
    ['a blank before the colon', [...GOOD, 'X : y']],
    ['a folded line', [...GOOD, 'X: a', ' b']],
    ['a bare line feed', [...GOOD, 'X: a\nY: b']],
    ['a bare carriage return', [...GOOD, 'X: a\rY: b']],
    ['a NUL', [...GOOD, 'X: a\0']],
    ['a DEL', [...GOOD, 'X: a\x7f']],
    ['a name that is no token', [...GOOD, 'X(: a']],
    ['a name that is not ASCII', [...GOOD, 'X\xe9: a']],
    ['a header twice', [...GOOD, 'x: a', 'X: b']],
    ['a header twice, empty first', [...GOOD, 'x:', 'X: b']],
    ['a name that objects have', [...GOOD, 'constructor: a']],
    ['a prototype', [...GOOD, '__proto__: a']],
    ['a second Host', [...GOOD, 'Host: b']],
    ['no Host', GOOD.filter(line => !line.startsWith('Host'))],
    [
      'another version of WebSocket',
      [...GOOD.filter(line => !line.includes('13')), 'Sec-WebSocket-Version: 12'],
    ],
    ['a broken list of protocols', [...GOOD, 'Sec-WebSocket-Protocol: a,a']],
    ['a list of protocols that names none', [...GOOD, 'Sec-WebSocket-Protocol: ,']],
    ['no key', GOOD.slice(0, -1)],
    ['a key that is none', [...GOOD.slice(0, -1), 'Sec-WebSocket-Key: AAAA']],
    ['a second key', [...GOOD, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']],
    ['a second key that is none', [...GOOD, 'sec-websocket-key: AAAA']],
    ['a body', [...GOOD, 'Content-Length: 1']],
    ['an empty body', [...GOOD, 'Content-Length: 0']],
    ['a body of unknown length', [...GOOD, 'Transfer-Encoding: chunked']],
    ['an Expect', [...GOOD, 'Expect: 100-continue']],
    ['another method', ['POST /ws HTTP/1.1', ...GOOD.slice(1)]],
    ['another version', ['GET /ws HTTP/1.0', ...GOOD.slice(1)]],
    ['a whole URL', ['GET http://example.com/ws HTTP/1.1', ...GOOD.slice(1)]],
    ['a path with a blank', ['GET /w s HTTP/1.1', ...GOOD.slice(1)]],
    ['a path that is not ASCII', ['GET /\xe9 HTTP/1.1', ...GOOD.slice(1)]],
    ['an empty line first', ['', ...GOOD]],
    ['no upgrade', GOOD.filter(line => !line.startsWith('Upgrade'))],
    ['an upgrade to something else', [...GOOD.filter(line => !line.startsWith('Upgrade')), 'Upgrade: h2c']],
    [
      'a Connection without it',
      [...GOOD.filter(line => !line.startsWith('Conn')), 'Connection: close, upgrades'],
    ],
    ['more than 8 KiB', [...GOOD, `X: ${'x'.repeat(8_192)}`]],
  ])('leaves %s to others', (_name, lines) => {
    expect(reader.read(bytes_of(lines))).toBeUndefined()
  })

  it('leaves every part of a handshake to others', () => {
    const whole = bytes_of(GOOD)
    for (let end = 0; end < whole.length; end += 1)
      expect(reader.read(whole.subarray(0, end))).toBeUndefined()
    expect(reader.read(whole)).toBeDefined()
  })
})
