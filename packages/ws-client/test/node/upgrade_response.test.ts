import { describe, expect, it } from 'vitest'
import { normalize_lists, upgrade_response_flaw } from '../../src/node/upgrade_response.js'

const LIST = 'sec-websocket-extensions'

describe('upgrade_response_flaw', () => {
  it.each([
    {},
    { [LIST]: 'permessage-deflate' },
    { [LIST]: 'permessage-deflate; server_max_window_bits=10' },
    { [LIST]: ', permessage-deflate; server_max_window_bits = "10",' },
  ])('finds nothing wrong with HTTP/1.1 and %j', headers => {
    expect(upgrade_response_flaw({ httpVersion: '1.1', headers }, [])).toBeUndefined()
  })

  it('names another version of HTTP', () => {
    expect(upgrade_response_flaw({ httpVersion: '1.0', headers: {} }, [])).toContain(
      'is 1.0, and has to be 1.1',
    )
  })

  it.each([
    '',
    'x-unknown',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate, x-unknown',
    'permessage-deflate; server_max_window_bits=08',
  ])('rejects %j, which was not offered', list => {
    expect(upgrade_response_flaw({ httpVersion: '1.1', headers: { [LIST]: list } }, [])).toContain(
      'not what was offered',
    )
  })

  it.each(['chat', 'echo'])('finds nothing wrong with the subprotocol %s, which is offered', name => {
    const headers = { 'sec-websocket-protocol': name }
    expect(upgrade_response_flaw({ httpVersion: '1.1', headers }, ['chat', 'echo'])).toBeUndefined()
  })

  it('reports that no subprotocol was agreed on, without showing the offered ones, which may be secrets', () => {
    const said = upgrade_response_flaw({ httpVersion: '1.1', headers: {} }, ['chat', 'token.s3cret'])
    expect(said).toMatch(/^it takes none of the subprotocols that are offered; /)
    expect(said).not.toContain('s3cret')
  })

  it.each([
    ['', ['chat'], '""'],
    ['chat', [], '"chat"'],
  ])('rejects the subprotocol %j, which is not one of %j', (name, offered, shown) => {
    const headers = { 'sec-websocket-protocol': name }
    expect(upgrade_response_flaw({ httpVersion: '1.1', headers }, offered)).toBe(
      `it agrees on the subprotocol ${shown}, which is not offered`,
    )
  })

  it.each(['chat, token.s3cret', 'chat,TOKEN.S3CRET', 'Chat'])(
    'does not show the subprotocol %j, which has a part of what is offered',
    name => {
      const headers = { 'sec-websocket-protocol': name }
      expect(upgrade_response_flaw({ httpVersion: '1.1', headers }, ['chat', 'token.s3cret'])).toBe(
        'it does not agree on one of the subprotocols that are offered, spelt as there',
      )
    },
  )
})

describe('normalize_lists', () => {
  it('rewrites a response as ws expects it', () => {
    const headers = {
      upgrade: ', WebSocket ,',
      [LIST]: ', permessage-deflate; server_max_window_bits = "10"',
    }
    normalize_lists(headers)
    expect(headers).toEqual({
      upgrade: 'WebSocket',
      [LIST]: 'permessage-deflate; server_max_window_bits=10',
    })
  })

  it('adds nothing to a response', () => {
    const headers = { connection: 'upgrade' }
    normalize_lists(headers)
    expect(headers).toEqual({ connection: 'upgrade' })
  })
})
