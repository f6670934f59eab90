import { check_options } from '@bt/ws-protocol/internal'
import { describe, expect, it } from 'vitest'
import { reconnect_settings } from '../../src/client/options.js'
import { connect } from '../../src/index.js'
import { node_rules } from '../../src/node/options.js'

const url = 'ws://127.0.0.1:9/ws'

describe('the options of connect', () => {
  it.each([
    ['no options', undefined, /got undefined for its options/],
    ['no type', { url }, /type is missing; expected 'ws'/],
    ['no url', { type: 'ws' }, /url is missing; expected a string with a URL such as/],
    ['text that is no URL', { type: 'ws', url: 'nonsense' }, /url is "nonsense"/],
    [
      'the scheme of plain HTTP',
      { type: 'ws', url: 'http://127.0.0.1/ws' },
      /url is "http:.*expected a string with a URL such as 'ws:/,
    ],
    ['a fragment', { type: 'ws', url: `${url}#x` }, /without a fragment/],
    [
      'what is no URL of ours, without what is secret of it',
      { type: 'ws', url: 'http://ada:secret@host/ws?token=secret' },
      /url is "http:\/\/\*\*\*@host\/ws\?\*\*\*"; expected/,
    ],
    ['a URL object', { type: 'ws', url: new URL(url) }, /url is an instance of URL; expected a string/],
    [
      'an unknown option',
      { type: 'ws', url, on_opn: () => {} },
      /no option "on_opn"; did you mean on_open\?/,
    ],
    ['a callback that is none', { type: 'ws', url, on_close: 1 }, /on_close is 1; expected a function/],
    [
      'no time',
      { type: 'ws', url, connect_timeout: 0 },
      /connect_timeout is 0; expected a whole number of milliseconds from 1/,
    ],
    ['headers that are none', { type: 'ws', url, headers: 'a: b' }, /headers is text; expected an object/],
    ['a list of headers', { type: 'ws', url, headers: [] }, /headers is an array of 0; expected an object/],
    [
      'headers whose names are no properties',
      { type: 'ws', url, headers: new Headers({ a: 'b' }) },
      /headers is an instance of Headers; expected an object/,
    ],
    [
      'a header that is no text',
      { type: 'ws', url, headers: { ok: 'x', a: 1 } },
      /headers is an object, in which the value of "a" is of type number; expected/,
    ],
    [
      'a header of two lines',
      { type: 'ws', url, headers: { a: 'b\r\nc: d' } },
      /in which the value of "a" has U\+000D at index 1; expected .* on one line/,
    ],
    [
      'a header with what Latin-1 does not have',
      { type: 'ws', url, headers: { a: 'x€' } },
      /in which the value of "a" has U\+20AC at index 1; expected/,
    ],
    [
      'a header whose name is none',
      { type: 'ws', url, headers: { ok: 'x', 'a b': 'c' } },
      /headers is an object, in which the name "a b" has U\+0020 at index 1; expected/,
    ],
    [
      'a header without a name',
      { type: 'ws', url, headers: { '': 'c' } },
      /headers is an object, in which a name is empty; expected/,
    ],
    [
      'a header of the handshake itself',
      { type: 'ws', url, headers: { 'sec-websocket-key': 'x' } },
      /in which "sec-websocket-key" is the handshake's own; expected .* without Connection, Upgrade and Sec-WebSocket/,
    ],
    [
      'a header that is given twice',
      { type: 'ws', url, headers: { Token: '1', token: '2' } },
      /in which "token" is there twice: upper and lower case are the same; expected .* each once/,
    ],
    [
      'a subprotocol with a space',
      { type: 'ws', url, protocols: ['ok', 'a b'] },
      /protocols is an array of 2, in which the name at index 1 has U\+0020 at index 1; expected/,
    ],
    [
      'a heartbeat that is true',
      { type: 'ws', url, heartbeat: true },
      /heartbeat is true; expected a whole number of milliseconds from 1 to 2147483647, or false/,
    ],
    [
      'a probe that is text',
      { type: 'ws', url, probe: 'ping' },
      /probe is "ping"; expected what probe\(\) returns/,
    ],
    [
      'the options of a probe',
      { type: 'ws', url, probe: { send: 'ping', expect: 'pong' } },
      /probe is .*; expected what probe\(\) returns/,
    ],
    [
      'an on_reconnecting that is none',
      { type: 'ws', url, on_reconnecting: true },
      /on_reconnecting is true; expected a function/,
    ],
  ])('%s throws an error that names what is expected', (_name, options, message) => {
    expect(() => connect(options as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})

it.each([
  ['header', { headers: { Authorization: 'Bearer s3cret\n' } }],
  ['subprotocol', { protocols: ['chat', 'token.s3cret='] }],
])('the contents of %s are not shown, because they may be secret', (_name, options) => {
  expect(() => connect({ type: 'ws', url, ...options })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('s3cret') }),
  )
})

it('the defaults of connect are those of the contract', () => {
  expect(check_options('connect', { type: 'ws', url }, node_rules)).toMatchObject({
    max_fragments: 16_384,
    reconnect: false,
    connect_timeout: 10_000,
    compression: false,
  })
})

describe('reconnect', () => {
  const MAX = 2_147_483_647
  const defaults = { min_delay: 500, max_delay: 20_000, max_attempts: Infinity, retries: undefined }
  const retries = (): boolean => true

  it.each<[unknown, object | undefined]>([
    [true, defaults],
    [{}, defaults],
    [{ min_delay: undefined, max_delay: undefined, max_attempts: undefined }, defaults],
    [{ min_delay: 1 }, { ...defaults, min_delay: 1 }],
    [{ min_delay: 20_000 }, { ...defaults, min_delay: 20_000 }],
    [{ max_delay: MAX }, { ...defaults, max_delay: MAX }],
    [{ max_delay: 100 }, { ...defaults, min_delay: 100, max_delay: 100 }],
    [{ max_delay: 1 }, { ...defaults, min_delay: 1, max_delay: 1 }],
    [{ max_attempts: 1 }, { ...defaults, max_attempts: 1 }],
    [
      { min_delay: 7, max_delay: 7, max_attempts: 7 },
      { min_delay: 7, max_delay: 7, max_attempts: 7, retries: undefined },
    ],
    [{ retries }, { ...defaults, retries }],
    [false, undefined],
  ])('may be %o', (reconnect, expected) => {
    expect(check_options('connect', { type: 'ws', url, reconnect }, node_rules).reconnect).toBe(reconnect)
    expect(reconnect_settings(reconnect)).toEqual(expected)
  })

  it.each([
    ['null', null],
    ['a number', 5],
    ['text', 'true'],
    ['an array', []],
    ['a wait of 0', { min_delay: 0 }],
    ['a longest wait of 0', { max_delay: 0 }],
    ['a part of a millisecond', { min_delay: 1.5 }],
    ['a wait below 0', { min_delay: -1 }],
    ['a wait that is no number', { min_delay: '500' }],
    ['a wait that is null', { max_delay: null }],
    ['a wait that never ends', { max_delay: Infinity }],
    ['a wait that is longer than timers take', { max_delay: MAX + 1 }],
    ['a min_delay above max_delay', { min_delay: 101, max_delay: 100 }],
    ['a min_delay above the default of max_delay', { min_delay: 20_001 }],
    ['no attempt', { max_attempts: 0 }],
    ['a part of an attempt', { max_attempts: 1.5 }],
    ['attempts that are no number', { max_attempts: Number.NaN }],
    ['a word that is not known', { max_retries: 5 }],
    ['a rule that is no function', { retries: true }],
  ])('may not be %s', (_, reconnect) => {
    expect(() => connect({ type: 'ws', url, reconnect } as never)).toThrow(
      expect.objectContaining({
        code: 'invalid_option',
        message: expect.stringMatching(/the option reconnect is .*; expected true, false, or \{ min_delay,/),
      }),
    )
  })

  it('describes the contents of an invalid object', () => {
    const reconnect = { min_delay: 30_000, max_retries: '5' }
    expect(() => connect({ type: 'ws', url, reconnect } as never)).toThrow(
      'the option reconnect is { min_delay: 30000, max_retries: "5" }; expected',
    )
  })

  it('may not be an object that throws when it is read', () => {
    const reconnect = {
      get min_delay() {
        throw new Error('a test throws this')
      },
    }
    expect(() => connect({ type: 'ws', url, reconnect } as never)).toThrow(
      'the option reconnect is an object; expected',
    )
  })
})
