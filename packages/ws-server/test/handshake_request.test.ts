import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Handshake } from '../src/handshake_request.js'
import { packed_headers } from '../src/packed_headers.js'

function request(url: string | undefined, headers: Record<string, string> = {}): IncomingMessage {
  return { url, headers } as unknown as IncomingMessage
}

describe('Handshake', () => {
  it.each([
    ['/ws?room=1&room=2', '/ws', ['1', '2']],
    ['/ws', '/ws', []],
    ['http://host/ws?room=%E4%B8%AD', '/ws', ['中']],
    [undefined, '/', []],
  ])('takes %s apart', (url, path, rooms) => {
    const handshake = new Handshake(request(url), 'chat')
    expect(handshake.path).toBe(path)
    expect(handshake.query.getAll('room')).toEqual(rooms)
    expect(handshake.query).toBe(handshake.query)
    expect(handshake.protocol).toBe('chat')
  })

  it('shows where a browser was, and nothing for who sends no Origin', () => {
    expect(new Handshake(request('/', { origin: 'http://page' }), '').origin).toBe('http://page')
    expect(new Handshake(request('/'), '').origin).toBeUndefined()
  })

  it.each([
    [{}],
    [
      {
        host: 'a:1',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'x-a': 'b, c',
        cookie: 'a=1; b=2',
        authorization: '',
      },
    ],
    [{ 'x-empty': '', origin: 'http://page', 'x-latin': 'caf\u00e9 \u00ff', 'x-space': ' a\tb ' }],
  ])('shows the same when it is packed, asked before or not: %j', headers => {
    const shown: Record<string, string | undefined> = { ...headers }
    for (const is_asked_before of [false, true]) {
      const handshake = new Handshake(request('/ws?room=%E4%B8%AD', { ...headers }), 'chat')
      if (is_asked_before) expect(handshake.headers).toEqual(shown)
      handshake.pack('/ws?room=%E4%B8%AD', packed_headers(headers))
      expect(handshake.headers).toEqual(shown)
      expect(handshake.headers).toBe(handshake.headers)
      expect(handshake.origin).toBe(shown.origin)
      expect(handshake.path).toBe('/ws')
      expect(handshake.query.get('room')).toBe('中')
      expect(handshake.protocol).toBe('chat')
    }
  })

  it('keeps the same text for clients that differ in their keys and credentials alone', () => {
    const [first, second] = ['a', 'b'].map(own =>
      packed_headers({ host: 'h', cookie: own, authorization: own, 'sec-websocket-key': own, origin: 'o' }),
    )
    expect(first?.shared).toBe(second?.shared)
    expect(first?.shared).toContain('origin')
  })

  it('leaves out Set-Cookie, which no request has', () => {
    const given = { url: '/', headers: { 'set-cookie': ['a=1'], host: 'x' } } as unknown as IncomingMessage
    const handshake = new Handshake(given, '')
    expect(handshake.headers).toEqual({ host: 'x' })
    handshake.pack('/', packed_headers(given.headers))
    expect(handshake.headers).toEqual({ host: 'x' })
  })
})
