import { deferred } from '@bt/test-support/deferred'
import type { NetErrorCode } from '@bt/ws-protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type WebSocket, WebSocket as WsWebSocket } from 'ws'
import { ERRORS_PAGE } from '../../page_builds/build.mjs'
import type { connect as Connect } from '../../src/browser/connect.js'
import { start_http_server, start_raw_server, start_ws_server, stop_all } from '../echo_server.js'
import { outcome_of } from '../outcome.js'

const url = 'ws://127.0.0.1:9/ws'

/** Starts a server that records how its only WebSocket was closed. */
async function closing_server(
  on_socket: (ws: WebSocket) => void,
): Promise<{ readonly url: string; readonly closed: Promise<readonly [number, string]> }> {
  const { promise: closed, resolve: tell } = deferred<readonly [number, string]>()
  const { url } = await start_ws_server(ws => {
    ws.on('close', (code, reason) => tell([code, String(reason)]))
    on_socket(ws)
  })
  return { url, closed }
}

/**
 * Tests `connect` over the platform's WebSocket. `texts`: whether the messages of errors are those of the sources,
 * and not only the code, what is wrong, and a link.
 */
export function connect_cases(connect: typeof Connect, { texts }: { readonly texts: boolean }): void {
  const outcome = outcome_of(connect)
  /** Matches the message of an error with this code. */
  const message_of = (code: NetErrorCode, text: RegExp, about = ''): unknown =>
    texts ? expect.stringMatching(text) : `${code}${about && ` ${about}`}: ${ERRORS_PAGE}#${code}`

  // The WebSocket of `ws` has the interface of the standard one.
  beforeEach(() => void vi.stubGlobal('WebSocket', WsWebSocket))

  afterEach(() => {
    stop_all()
    vi.unstubAllGlobals()
  })

  describe('a feature that browsers lack', () => {
    it.each([
      ['headers', { headers: { Authorization: 'x' } }, /option headers: put a token into the url/],
      ['tls', { tls: { ca: 'x' } }, /option tls: use a wss: url/],
      ['agent', { agent: {} }, /option agent: it has its own proxy/],
      ['agent', { agent: {} }, /option agent: it has its own proxy/],
    ])('%s is unsupported, and the error names the alternative', (name, options, message) => {
      expect(() => connect({ type: 'ws', url, ...options } as never)).toThrow(
        expect.objectContaining({ code: 'unsupported', message: message_of('unsupported', message, name) }),
      )
    })

    it('a platform without WebSocket is unsupported', () => {
      vi.stubGlobal('WebSocket', undefined)
      expect(() => connect({ type: 'ws', url })).toThrow(expect.objectContaining({ code: 'unsupported' }))
    })

    it('a URL that the WebSocket rejects is unsupported, with its text and no password', () => {
      vi.stubGlobal(
        'WebSocket',
        class {
          constructor() {
            throw new Error('An insecure connection may not be initiated from a page loaded over HTTPS.')
          }
        },
      )
      expect(() => connect({ type: 'ws', url: 'ws://user:secret@host/' })).toThrow(
        expect.objectContaining({
          code: 'unsupported',
          message: message_of('unsupported', /^connect: ws:\/\/\*\*\*@host\/ .*An insecure connection/),
        }),
      )
    })
  })

  it('the error of a connection that does not open shows the text of the platform without the secrets of the URL', async () => {
    vi.stubGlobal(
      'WebSocket',
      class {
        onerror: (event: object) => void = () => {}
        onclose: (event: object) => void = () => {}
        constructor(given: string) {
          // As Bun does.
          queueMicrotask(() => {
            this.onerror({ message: `WebSocket connection to '${given}' failed: \u009bno` })
            this.onclose({ code: 1006, reason: '' })
          })
        }
      },
    )
    const { errors } = await outcome('ws://ada@corp.com:secret@host/?token=secret')
    const text =
      "connect: ws://***@host/?*** did not open a WebSocket: WebSocket connection to 'ws://***@host/?*** failed: \\u{9b}no"
    expect(errors.map(({ message }) => message)).toEqual([texts ? text : message_of('handshake_failed', /^/)])
  })

  describe('options', () => {
    it.each([
      ['text that is no URL', 'nonsense', /url is "nonsense"; expected 'ws:/],
      ['a URL that is no text', 42, /url is 42/],
      ['no URL', undefined, /url is missing/],
      ['the scheme of plain HTTP', 'http://127.0.0.1/ws', /expected 'ws:/],
      ['a fragment', `${url}#x`, /without a fragment/],
      ['a port that is none', 'ws://host:70000/', /expected 'ws:/],
    ])('%s throws an error that names what is expected', (_name, given, message) => {
      expect(() => connect({ type: 'ws', url: given } as never)).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: message_of('invalid_option', message, 'url'),
        }),
      )
    })

    it('that only the browser decides are accepted, and have no effect', async () => {
      const { url } = await start_ws_server(ws => ws.close())
      const { info } = await outcome(url, { max_fragments: 7, compression: { level: 1 }, headers: undefined })
      expect(info.clean).toBe(true)
    })
  })

  describe('a connection', () => {
    it('sends messages from before it was open, in order, and shows the negotiated subprotocol', async () => {
      const { url } = await start_ws_server(ws => {
        ws.on('message', (data, is_binary) => ws.send(is_binary ? data : `echo:${data}`))
      })
      const ws = connect({ type: 'ws', url, binary: true, protocols: ['chat.v2', 'chat.v1'] })
      const received: unknown[] = []
      for (const message of ['a', '你好', Uint8Array.of(1, 2)]) expect(ws.send(message)).toBe(true)
      expect(ws.queued).toBe(6 + 1 + 6 + 6 + 6 + 2)
      ws.on_message(data => {
        if (received.push(data) === 3) ws.close(4_001, 'enough')
      })
      const info = await ws.closed
      expect(received).toEqual(['echo:a', 'echo:你好', Uint8Array.of(1, 2)])
      expect(info).toEqual({ code: 4_001, reason: 'enough', cause: 'local', clean: true, unsent: 0 })
      expect(ws.protocol).toBe('chat.v2')
    })

    it('that does not open is reported to on_error, opened and on_close, without the password', async () => {
      const { url, stop } = await start_http_server(() => {})
      stop()
      const { errors, info, opened } = await outcome(url.replace('//', '//user:secret@'))
      expect(errors).toEqual([expect.objectContaining({ code: 'handshake_failed' })])
      expect(errors[0]?.message).toEqual(
        message_of('handshake_failed', /ws:\/\/\*\*\*@.* did not open a WebSocket/),
      )
      expect(opened).toBe(errors[0])
      expect(info).toEqual({ code: 1006, reason: '', cause: 'refused', clean: false, unsent: 0 })
    })

    it('that is not answered ends after connect_timeout', async () => {
      const { url } = await start_raw_server(() => {})
      const { errors, info } = await outcome(url, { connect_timeout: 20 })
      expect(errors.map(error => error.code)).toEqual(['connect_timeout'])
      expect(info).toMatchObject({ code: 1006, cause: 'refused' })
    })

    it('whose signal was aborted before opens no WebSocket', async () => {
      vi.stubGlobal('WebSocket', undefined)
      const { errors, info, opened } = await outcome(url, { signal: AbortSignal.abort(), reconnect: true })
      expect(errors).toEqual([])
      expect(info).toEqual({ code: 1006, reason: '', cause: 'local', clean: false, unsent: 0 })
      expect(opened).toMatchObject({ code: 'closed' })
    })

    it('closed before it is open, with nothing sent, is over at once', async () => {
      const { url } = await start_raw_server(() => {})
      const ws = connect({ type: 'ws', url })
      ws.close()
      expect(await ws.closed).toMatchObject({ code: 1006, cause: 'local', unsent: 0 })
      await expect(ws.opened).rejects.toMatchObject({ code: 'closed' })
    })

    it('that is sent more than max_payload closes with 1009, which the server sees as 4009', async () => {
      const { url, closed } = await closing_server(ws => ws.send('é'.repeat(6)))
      const { errors, info } = await outcome(url, { max_payload: 11 })
      expect(errors).toEqual([expect.objectContaining({ code: 'message_too_large' })])
      expect(errors[0]?.message).toEqual(
        message_of('message_too_large', /a message of 12 bytes; raise max_payload, 11 bytes/),
      )
      expect(info).toEqual({ code: 1009, reason: '', cause: 'protocol', clean: true, unsent: 0 })
      expect(await closed).toEqual([4009, ''])
    })

    it('accepts a message of exactly max_payload', async () => {
      const { url } = await start_ws_server(ws => ws.send('é'.repeat(6)))
      const ws = connect({ type: 'ws', url, max_payload: 12 })
      expect(await ws[Symbol.asyncIterator]().next()).toEqual({ value: 'é'.repeat(6), done: false })
      ws.close()
    })

    it('that the server ends without a Close is connection_lost', async () => {
      const { url } = await start_ws_server(ws => ws.terminate())
      const { errors, info, opened } = await outcome(url)
      expect(opened).toBe(true)
      expect(errors.map(error => error.code)).toEqual(['connection_lost'])
      expect(info).toMatchObject({ code: 1006, cause: 'network' })
    })

    it.each([3000, 3003])('that the server ends with %i is over, though it may reconnect', async code => {
      let connections = 0
      const { url } = await start_ws_server(ws => {
        connections += 1
        ws.close(code, 'why')
      })
      const { errors, info } = await outcome(url, { reconnect: { max_delay: 1, max_attempts: 3 } })
      expect(info).toEqual({ code, reason: 'why', cause: 'peer', clean: true, unsent: 0 })
      expect([errors, connections]).toEqual([[], 1])
    })

    it("keeps apart the server's own 4009 and its answer to ours", async () => {
      const { url } = await start_ws_server(ws => ws.close(4009, 'mine'))
      expect((await outcome(url)).info).toMatchObject({ code: 4009, reason: 'mine', cause: 'peer' })
    })
  })

  it('an error without an on_error goes to the console', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { url } = await start_ws_server(ws => ws.terminate())
    await connect({ type: 'ws', url }).closed
    expect(warn.mock.calls).toEqual([[expect.objectContaining({ code: 'connection_lost' })]])
    warn.mockRestore()
  })
}
