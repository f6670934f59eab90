import { describe, expect, test } from 'vitest'
import {
  describe_cause,
  describe_count,
  describe_url,
  describe_value,
  NET_ERROR_CODES,
  NetError,
} from '../../src/errors/errors.js'
import { HOSTILE_CHARACTERS } from '../../src/testing/hostile_text.js'

describe('a NetError', () => {
  test('is an Error named NetError, with its code and message', () => {
    const error = new NetError('queue_full', 'no room for 10 bytes')
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('NetError')
    expect(error.code).toBe('queue_full')
    expect(String(error)).toBe('NetError: no room for 10 bytes')
  })

  test('has the underlying error as its cause', () => {
    const cause = new TypeError('beneath')
    expect(new NetError('handler_failed', 'above', { cause }).cause).toBe(cause)
  })

  test('has no property cause if none was given', () => {
    expect('cause' in new NetError('closed', 'the connection is closed')).toBe(false)
  })

  test('keeps the cause undefined, since undefined can be thrown', () => {
    expect('cause' in new NetError('handler_failed', 'threw undefined', { cause: undefined })).toBe(true)
  })
})

test.each(HOSTILE_CHARACTERS)('the message and the stack of an error show %s escaped', (_name, character) => {
  const { message, stack } = new NetError('handler_failed', `failed: ${character}!`)
  expect(message).toBe(`failed: \\u{${character.codePointAt(0)?.toString(16)}}!`)
  expect(stack).toContain(message)
})

describe('the codes', () => {
  test('are each listed once', () => {
    expect(new Set(NET_ERROR_CODES).size).toBe(NET_ERROR_CODES.length)
  })

  test.each(NET_ERROR_CODES)('%s is snake_case', code => {
    expect(code).toMatch(/^[a-z]+\d*(_[a-z0-9]+)*$/)
  })

  test.each([
    'invalid_option',
    'unsupported',
    'address_in_use',
    'address_unavailable',
    'permission_denied',
    'queue_full',
    'too_large',
    'closed',
    'handler_failed',
  ])('%s of the contract is among them', code => {
    expect(NET_ERROR_CODES).toContain(code)
  })
})

describe('describe_cause', () => {
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()

  test.each([
    [new TypeError('beneath'), 'beneath'],
    [new Error('no way to ws://ada:secret@host/?secret'), 'no way to ws://***@host/?***'],
    [new Error('x'.repeat(501)), `${'x'.repeat(500)}…`],
    ['text', '"text"'],
    [undefined, 'undefined'],
    [Object.assign(new Error('text'), { message: 7 }), 'an instance of Error'],
  ])('shows %o as %s', (cause, shown) => {
    expect(describe_cause(cause)).toBe(shown)
  })

  test('throws for no thrown value', () => {
    const unreadable = Object.defineProperty(new Error('secret'), 'message', {
      get() {
        throw new Error('boom')
      },
    })
    expect(describe_cause(unreadable)).toBe('an instance of Error')
    expect(describe_cause(revoked)).toBe('an object')
  })
})

describe('describe_url', () => {
  test.each([
    ['redis://localhost:1', '"redis://localhost:1"'],
    ['redis://ada:secret@localhost', '"redis://***@localhost"'],
    ['ada:secret@localhost', '"***@localhost"'],
    ['nats://a:se@secret/cret@one', '"nats://***@one"'],
    ['nats://ada:sec\nret@one', '"nats://***@one"'],
    ['ws://user:se/cr#e?t@host/ws', '"ws://***@host/ws"'],
    ['ws://user:secret@', '"ws://***@"'],
    ['nats://one?secret', '"nats://one?***"'],
    ['nats://one#secret', '"nats://one#***"'],
  ])('shows %j as %s', (url, shown) => {
    expect(describe_url(url)).toBe(shown)
  })
})

describe('describe_value', () => {
  class Point {
    readonly x = 1
  }
  test('throws for no value, even if reading it throws', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(describe_value(proxy)).toBe('an object')
  })

  test.each([
    ['text', '"text"'],
    ['', '""'],
    ['a "quote"\nand a line', '"a \\"quote\\"\\nand a line"'],
    ['中文', '"中文"'],
    ['ws://ada:secret@host/?secret', '"ws://***@host/?***"'],
    [0, '0'],
    [-1.5, '-1.5'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [12n, '12n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Symbol('mark'), 'Symbol(mark)'],
    [() => 'secret', 'a function'],
    [Point, 'a function'],
    [[], 'an array of 0'],
    [['secret', 'secret'], 'an array of 2'],
    [{ password: 'secret' }, 'an object'],
    [Object.create(null), 'an object'],
    [new (class {})(), 'an object'],
    [new Point(), 'an instance of Point'],
    [{ __proto__: { constructor: { name: 7 } } }, 'an object'],
    [new Date(0), 'an instance of Date'],
    [new Map([['secret', 'secret']]), 'an instance of Map'],
  ])('shows %o as %s', (value, shown) => {
    expect(describe_value(value)).toBe(shown)
  })

  test('shows all of a string of 80 characters', () => {
    expect(describe_value('x'.repeat(80))).toBe(`"${'x'.repeat(80)}"`)
  })

  test('cuts a string of 81 characters at 80, with an ellipsis', () => {
    expect(describe_value('x'.repeat(81))).toBe(`"${'x'.repeat(80)}…"`)
  })
})

test('an own property named constructor is not shown', () => {
  expect(describe_value(JSON.parse('{"constructor":{"name":"secret"}}'))).toBe('an object')
  expect(describe_value(Object.create(null))).toBe('an object')
})

test.each([
  [0, '0 messages'],
  [1, '1 message'],
  [2, '2 messages'],
])('describe_count formats %i as %j', (count, text) => {
  expect(describe_count(count, 'message')).toBe(text)
})
