import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { Handshake } from '../src/handshake_request.js'

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
})
