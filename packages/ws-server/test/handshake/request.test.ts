import { describe, expect, it } from 'vitest'
import { pack_headers } from '../../src/handshake/headers.js'
import { ClientRequest, PendingRequest } from '../../src/handshake/request.js'
import { Route } from '../../src/handshake/route.js'

const ROUTE = new Route('/ws')

function request(url: string, headers: Record<string, string> = {}): ClientRequest {
  return new ClientRequest(url, ROUTE, headers, 'chat', undefined)
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

  it('shows the parameters of its route, before and after packing, and makes them once', () => {
    const url = '/rooms/a%20b?x=1'
    const before = new ClientRequest(url, new Route('/rooms/:room'), {}, '', undefined)
    const packed = before.packed(url, pack_headers({}))
    for (const handshake of [packed, before, before.packed(url, pack_headers({}))]) {
      expect(handshake.params.room).toBe('a b')
      expect(handshake.params).toBe(handshake.params)
    }
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

function raw_request(parts: {
  url?: string
  headers?: Record<string, string | string[]>
}): ConstructorParameters<typeof PendingRequest>[0] {
  return { headers: {}, rawHeaders: [], socket: {}, ...parts }
}

describe('PendingRequest', () => {
  it('leaves out Set-Cookie, which no request has', () => {
    const message = raw_request({ url: '/', headers: { 'set-cookie': ['a=1'], host: 'x' } })
    const pending = new PendingRequest(message, ROUTE, 'unknown', '', [])
    expect(pending.headers).toEqual({ host: 'x' })
    expect(pending.packed('/', pack_headers(message.headers)).headers).toEqual({ host: 'x' })
  })

  it('has a path though the message has no URL', () => {
    expect(new PendingRequest(raw_request({}), ROUTE, 'unknown', '', []).path).toBe('/')
  })

  it('shows the request of Node as raw', () => {
    const message = raw_request({ url: '/ws?a=1' })
    const pending = new PendingRequest(message, ROUTE, 'unknown', '', [])
    expect(pending.raw).toBe(message)
    expect('raw' in pending.packed('/ws?a=1', pack_headers({}))).toBe(false)
    expect([pending.url, pending.path]).toEqual(['/ws?a=1', '/ws'])
  })

  it.each<[string | undefined, Record<string, string>]>([
    [undefined, {}],
    ['', {}],
    ['a=1', { a: '1' }],
    ['a=1; b=2;c=3 ; d = 4', { a: '1', b: '2', c: '3', d: '4' }],
    ['a=1; a=2', { a: '1' }],
    ['a=b=c', { a: 'b=c' }],
    ['a; b=1', { b: '1' }],
    ['a="x y"', { a: 'x y' }],
    ['a=%E4%B8%AD%3B', { a: '中;' }],
    ['a=100%', { a: '100%' }],
    ['__proto__=1; constructor=2', JSON.parse('{"__proto__":"1","constructor":"2"}')],
  ])('parses the cookies of %o', (cookie, cookies) => {
    const headers = cookie === undefined ? {} : { cookie }
    expect({ ...new PendingRequest(raw_request({ headers }), ROUTE, 'unknown', '', []).cookies }).toEqual(
      cookies,
    )
  })
})
