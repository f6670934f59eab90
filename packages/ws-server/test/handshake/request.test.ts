import { describe, expect, it } from 'vitest'
import { pack_headers } from '../../src/handshake/headers.js'
import { ClientRequest, PendingRequest } from '../../src/handshake/request.js'

function request(url: string, headers: Record<string, string> = {}): ClientRequest {
  return new ClientRequest(url, headers, 'chat', undefined)
}

describe('ClientRequest', () => {
  it.each([
    ['/ws?room=1&room=2', '/ws', ['1', '2']],
    ['/ws', '/ws', []],
    ['http://host/ws?room=%E4%B8%AD', '/ws', ['中']],
  ])('takes %s apart', (url, path, rooms) => {
    const handshake = request(url)
    expect(handshake.path).toBe(path)
    expect(handshake.query.getAll('room')).toEqual(rooms)
    expect(handshake.query).toBe(handshake.query)
    expect(handshake.protocol).toBe('chat')
  })

  it('shows the Origin of a browser, and undefined without one', () => {
    expect(request('/', { origin: 'http://page' }).origin).toBe('http://page')
    expect(request('/').origin).toBeUndefined()
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
  ])('shows the same headers after packing, read before or not: %j', headers => {
    const shown: Record<string, string | undefined> = { ...headers }
    for (const is_asked_before of [false, true]) {
      const before = request('/ws?room=%E4%B8%AD', { ...headers })
      if (is_asked_before) expect(before.headers).toEqual(shown)
      const handshake = before.packed('/ws?room=%E4%B8%AD', pack_headers(headers))
      expect(handshake.headers).toEqual(shown)
      expect(handshake.headers).toBe(handshake.headers)
      expect(handshake.origin).toBe(shown.origin)
      expect(handshake.path).toBe('/ws')
      expect(handshake.query.get('room')).toBe('中')
      expect(handshake.protocol).toBe('chat')
    }
  })

  it('keeps a query that was changed before packing', () => {
    const before = request('/ws?token=secret&room=1')
    before.query.delete('token')
    expect(before.packed('/ws?token=secret&room=1', pack_headers({})).query.toString()).toBe('room=1')
  })

  it('keeps the same text for clients that differ in their keys and credentials alone', () => {
    const [first, second] = ['a', 'b'].map(own =>
      pack_headers({ host: 'h', cookie: own, authorization: own, 'sec-websocket-key': own, origin: 'o' }),
    )
    expect(first?.shared).toBe(second?.shared)
    expect(first?.shared).toContain('origin')
  })
})

describe('PendingRequest', () => {
  it('leaves out Set-Cookie, which no request has', () => {
    const message = { url: '/', headers: { 'set-cookie': ['a=1'], host: 'x' } }
    const pending = new PendingRequest(message, 'unknown', '', [])
    expect(pending.headers).toEqual({ host: 'x' })
    expect(pending.packed('/', pack_headers(message.headers)).headers).toEqual({ host: 'x' })
  })

  it('has a path though the message has no URL', () => {
    expect(new PendingRequest({ headers: {} }, 'unknown', '', []).path).toBe('/')
  })
})
