import { check_options } from '@bt/ws-protocol'
import { describe, expect, it } from 'vitest'
import { connect } from '../src/index.js'
import { node_rules } from '../src/node/options.js'

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
    ['headers that are none', { type: 'ws', url, headers: 'a: b' }, /headers is "a: b"; expected an object/],
    ['a list of headers', { type: 'ws', url, headers: [] }, /headers is an array of 0; expected an object/],
    ['a header that is no text', { type: 'ws', url, headers: { a: 1 } }, /headers is an object; expected/],
    ['a header of two lines', { type: 'ws', url, headers: { a: 'b\r\nc: d' } }, /on one line/],
    ['a header whose name is none', { type: 'ws', url, headers: { 'a b': 'c' } }, /headers is an object/],
    [
      'a header of the handshake itself',
      { type: 'ws', url, headers: { 'sec-websocket-key': 'x' } },
      /without Connection, Upgrade and Sec-WebSocket/,
    ],
    [
      'a subprotocol with a space',
      { type: 'ws', url, protocols: ['a b'] },
      /protocols is an array of 1; expected/,
    ],
  ])('%s is told what is expected', (_name, options, message) => {
    expect(() => connect(options as never)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message: expect.stringMatching(message) }),
    )
  })
})

it('the defaults of connect are those of the contract', () => {
  expect(check_options('connect', { type: 'ws', url }, node_rules)).toMatchObject({
    binary: false,
    max_payload: 1_048_576,
    max_fragments: 16_384,
    max_queue: 4_194_304,
    close_timeout: 5_000,
    connect_timeout: 10_000,
    protocols: [],
    compression: false,
  })
})
