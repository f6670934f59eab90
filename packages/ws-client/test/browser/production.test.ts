import { NetError } from '@bt/ws-protocol'
import { describe, expect, it } from 'vitest'
import { ERRORS_PAGE } from '../../page_builds/build.mjs'
import { connect as connect_of_sources } from '../../src/browser/connect.js'
import type { WsClient } from '../../src/index.js'
import { start_ws_server } from '../echo_server.js'
import { connect_cases } from './connect_cases.js'

const { connect, probe } = (await import(
  '../../dist/page/production.js'
)) as unknown as typeof import('../../src/index.browser.js')

connect_cases(connect, { texts: false })

const url = 'ws://127.0.0.1:9/ws'

describe('an error of the production build', () => {
  const error_of = (call: () => unknown): unknown => {
    try {
      return call()
    } catch (error) {
      return error
    }
  }
  const opened = (): WsClient => connect({ type: 'ws', url, signal: AbortSignal.abort() }) as WsClient

  it.each([
    [
      'an unknown option',
      'invalid_option max_retries',
      () => connect({ type: 'ws', url, max_retries: 3 } as never),
    ],
    ['a wrong number', 'invalid_option max_queue', () => connect({ type: 'ws', url, max_queue: 0 })],
    [
      'a subprotocol that is there twice',
      'invalid_option protocols',
      () => connect({ type: 'ws', url, protocols: ['a', 'a'] }),
    ],
    [
      'a wrong delay',
      'invalid_option reconnect',
      () => connect({ type: 'ws', url, reconnect: { min_delay: 2, max_delay: 1 } }),
    ],
    ['no object of options', 'invalid_option', () => connect(undefined as never)],
    ['no function', 'invalid_argument on_message', () => opened().on_message(1 as never)],
    ['data of a wrong type', 'invalid_argument', () => opened().send({} as never)],
    ['a code that is not allowed', 'invalid_argument', () => opened().close(1001)],
    ['a reason that is too long', 'invalid_argument', () => opened().close(1000, 'x'.repeat(124))],
    ['a probe that is none', 'invalid_option probe', () => connect({ type: 'ws', url, probe: {} as never })],
    ['half a probe', 'invalid_option', () => probe({ send: 'ping' })],
    ['a question of a wrong type', 'invalid_option send', () => probe({ send: 1 as never, expect: '' })],
    [
      'a message that never fits',
      'too_large',
      () => connect({ type: 'ws', url, on_error: () => {} }).send(new Uint8Array(4_194_305)),
    ],
  ])('for %s says %s, with a link', (_name, start, call) => {
    const error = error_of(call)
    expect(error).toBeInstanceOf(NetError)
    expect(String((error as Error).message)).toBe(`${start}: ${ERRORS_PAGE}#${(error as NetError).code}`)
  })
})

it('an error of a function of probe names it', async () => {
  const { url } = await start_ws_server(ws => void ws.send('news'))
  const expect_answer = (): never => {
    throw new Error('broken')
  }
  const error = await new Promise(resolve =>
    connect({ type: 'ws', url, probe: probe({ send: '', expect: expect_answer }), on_error: resolve }),
  )
  expect(error).toMatchObject({
    code: 'handler_failed',
    message: 'handler_failed expect: docs/errors.md#handler_failed',
  })
})

/** Every name that a value has, of its own or by its class. */
function names_of(value: object): PropertyKey[] {
  const prototype: object = Object.getPrototypeOf(value)
  const inherited = prototype === Object.prototype || prototype === null ? [] : names_of(prototype)
  return [...Reflect.ownKeys(value), ...inherited]
}

it('users get objects with the same names from both builds', async () => {
  const seen = await Promise.all(
    [connect, connect_of_sources].map(async connect => {
      const { url, stop } = await start_ws_server(ws => ws.close(1012))
      const objects: object[] = []
      const ws = connect({
        type: 'ws',
        url,
        reconnect: { max_delay: 1, max_attempts: 1 },
        on_reconnecting: info => void objects.push(info, info.info),
        on_error: error => void objects.push(error),
      })
      ws.on_open(stop)
      objects.push(ws, await ws.closed, ws[Symbol.asyncIterator]())
      return objects.map(names_of)
    }),
  )
  expect(seen[0]).toEqual(seen[1])
  expect(seen[0]?.length).toBeGreaterThanOrEqual(6)
})
