import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket as WsWebSocket } from 'ws'
import { connect } from '../../src/browser/connect_with_headers.js'
import { start_ws_server, stop_all } from '../echo_server.js'

/** The second argument of the WebSocket of Deno and Bun. */
type Init = string[] | { readonly headers: Record<string, string>; readonly protocols: string[] }

const url = 'ws://127.0.0.1:9/ws'

beforeEach(() => {
  vi.stubGlobal(
    'WebSocket',
    class extends WsWebSocket {
      constructor(url: string, init: Init) {
        if (Array.isArray(init)) super(url, init)
        else super(url, init.protocols, { headers: init.headers })
      }
    },
  )
})

afterEach(() => {
  stop_all()
  vi.unstubAllGlobals()
})

describe('headers', () => {
  it('go with the handshake, and so do subprotocols', async () => {
    const { url } = await start_ws_server((ws, { headers }) => {
      ws.send(`${headers.authorization} ${headers['x-two']}`)
    })
    const headers = { Authorization: 'Bearer x', 'X-Two': 'a b' }
    const ws = connect({ type: 'ws', url, headers, protocols: ['chat'] })
    for await (const data of ws) {
      expect(data).toBe('Bearer x a b')
      break
    }
    expect(ws.protocol).toBe('chat')
    ws.close()
    await ws.closed
  })

  it('are optional', async () => {
    const { url } = await start_ws_server(ws => ws.close())
    const ws = connect({ type: 'ws', url, protocols: ['chat'] })
    expect(await ws.closed).toMatchObject({ clean: true })
    expect(ws.protocol).toBe('chat')
  })

  it('that a handshake cannot have are an invalid option, and the error does not show their values', () => {
    expect(() => connect({ type: 'ws', url, headers: { Authorization: 'secret\r\nX: secret' } })).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.not.stringContaining('secret'),
      }),
    )
    expect(() => connect({ type: 'ws', url, headers: { Upgrade: 'x' } })).toThrow(
      /"Upgrade" is the handshake's own/,
    )
  })

  it('on a platform whose WebSocket takes none are unsupported, and not dropped', () => {
    // As in browsers: an object without an iterator is taken for the name of a subprotocol.
    vi.stubGlobal(
      'WebSocket',
      class {
        constructor(_url: string, protocols: Init) {
          if (!Array.isArray(protocols)) throw new SyntaxError(`The subprotocol '${protocols}' is invalid.`)
        }
      },
    )
    expect(() => connect({ type: 'ws', url, headers: { Authorization: 'secret' } })).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.not.stringContaining('secret') }),
    )
  })
})

it('tls is unsupported, as in a browser', () => {
  expect(() => connect({ type: 'ws', url, tls: { ca: 'x' } })).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  )
})
