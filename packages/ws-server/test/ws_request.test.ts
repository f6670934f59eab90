import { describe, expect, it } from 'vitest'
import type { UpgradeRequest } from '../src/handshake_text.js'
import { ws_request } from '../src/ws_request.js'

const PLAIN = {
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}
const request = {
  method: 'GET',
  url: '/ws',
  headers: {
    ...PLAIN,
    host: 'a',
    upgrade: 'h2c, WebSocket',
    'sec-websocket-protocol': 'a,, b',
    'sec-websocket-extensions': 'x, permessage-deflate',
  },
} as unknown as UpgradeRequest

describe('ws_request', () => {
  it('shows what was agreed on', () => {
    expect(ws_request(request, 'b', ['permessage-deflate'])).toEqual({
      method: 'GET',
      url: '/ws',
      headers: { ...PLAIN, 'sec-websocket-protocol': 'b', 'sec-websocket-extensions': 'permessage-deflate' },
    })
  })

  it('shows no lists if nothing was agreed on', () => {
    expect(ws_request(request, '', []).headers).toEqual(PLAIN)
  })

  it('leaves the request that the user sees as it came', () => {
    ws_request(request, 'b', [])
    expect(request.headers).toMatchObject({ upgrade: 'h2c, WebSocket', 'sec-websocket-protocol': 'a,, b' })
  })
})
