import { describe, expect, it } from 'vitest'
import { listen, type WsListenOptions } from '../../src/index.js'
import { sessions_settings } from '../../src/sessions/sessions_option.js'

const authorize = (): string => 'anna'

function failure(options: object): { readonly code: string; readonly message: string } {
  const bound = { type: 'ws', bind: '127.0.0.1:0', ...options } as WsListenOptions
  try {
    listen(bound).close({ now: true })
  } catch (error) {
    return error as { code: string; message: string }
  }
  throw new Error('the options are accepted')
}

describe('the option sessions', () => {
  it.each([
    ['a text', 'yes', '"yes"'],
    ['null', null, 'null'],
    ['a number', 1, '1'],
    ['an array', [], 'an array of 0'],
    ['hold_ms of 0', { hold_ms: 0 }, 'hold_ms: 0'],
    ['hold_ms beyond what timers take', { hold_ms: 2_147_483_648 }, 'hold_ms: 2147483648'],
    ['a fraction of a session', { max_held: 0.5 }, 'max_held: 0.5'],
    ['too many sessions', { max_held: 10_000_001 }, 'max_held: 10000001'],
    ['max_held_bytes as a text', { max_held_bytes: '1MB' }, 'max_held_bytes: "1MB"'],
    ['too many bytes', { max_held_bytes: 2 ** 40 + 1 }, 'max_held_bytes: 1099511627777'],
    ['an identity that is no function', { identity: 'anna' }, 'identity: "anna"'],
    ['a name that it does not have', { hold: 5 }, 'hold: 5'],
  ])('does not accept %s', (_, sessions, shown) => {
    const { code, message } = failure({ sessions })
    expect(code).toBe('invalid_option')
    expect(message).toMatch(/^listen: the option sessions is /)
    expect(message).toContain(shown)
    expect(message).toContain('expected true, false, or { hold_ms, max_held, max_held_bytes, identity }')
  })

  it.each([true, {}, { hold_ms: 5 }])('with authorize, asks for identity if it is %o', sessions => {
    const { code, message } = failure({ sessions, authorize })
    expect(code).toBe('invalid_option')
    expect(message).toContain('give sessions: { identity: data => data.user_id }')
  })

  it.each([
    ['off', { sessions: false, authorize }],
    ['left out', { authorize }],
    ['given with identity', { sessions: { identity: String }, authorize }],
    ['given without authorize', { sessions: {} }],
  ])('is fine if it is %s', async (_, options) => {
    const server = listen({ type: 'ws', bind: '127.0.0.1:0', ...options } as WsListenOptions)
    await server.opened
    server.close({ now: true })
    await server.closed
  })

  it('takes what is left out, or undefined, from the defaults', () => {
    const all = sessions_settings(true)
    expect(sessions_settings({ hold_ms: undefined })).toEqual(all)
    expect(sessions_settings({ max_held: 5 })).toEqual({ ...all, max_held: 5 })
    expect([sessions_settings(false), sessions_settings(undefined)]).toEqual([undefined, undefined])
  })
})
