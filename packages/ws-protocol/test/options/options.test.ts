import { describe, expect, test } from 'vitest'
import { check_options, type OptionRules } from '../../src/options/option_rule.js'
import {
  type ConnectionOptions,
  callback,
  connection_rules,
  exactly,
  type FilledConnectionOption,
  is_whole_number,
  milliseconds,
  type NodeOption,
  protocols_rule,
  whole_number,
} from '../../src/options/options.js'
import { NOT_A_COUNT } from './not_a_count.js'

const rules: OptionRules<
  Omit<ConnectionOptions<boolean>, NodeOption> & { protocols?: readonly string[] },
  FilledConnectionOption | 'protocols'
> = { ...connection_rules, protocols: protocols_rule }

type Name = keyof typeof rules

const MAX = 2_147_483_647
const check = (given: unknown) => check_options('call', given, rules)

const refused = (name: Name, shown: string, expected: string) =>
  expect.objectContaining({
    code: 'invalid_option',
    message: `call: the option ${name} is ${shown}; expected ${expected}`,
  })

test('the defaults are those of the contract', () => {
  expect(check({})).toEqual({
    binary: false,
    max_payload: 1_048_576,
    max_queue: 4_194_304,
    heartbeat: 25_000,
    close_timeout: 5_000,
    protocols: [],
    signal: undefined,
  })
})

describe.each([
  ['max_payload', 'bytes', 536_870_888],
  ['max_queue', 'bytes', MAX],
  ['close_timeout', 'milliseconds', MAX],
] as [Name, string, number][])('%s', (name, unit, max) => {
  test.each([1, 2, max - 1, max])('takes %i', value => {
    expect(check({ [name]: value })[name]).toBe(value)
  })

  test.each<readonly [unknown, string]>([[0, '0'], [max + 1, `${max + 1}`], ...NOT_A_COUNT])(
    'refuses %o',
    (value, shown) => {
      expect(() => check({ [name]: value })).toThrow(
        refused(name, shown, `a whole number of ${unit} from 1 to ${max}`),
      )
    },
  )
})

describe('heartbeat', () => {
  test.each([1, 25_000, MAX, false])('takes %s', value => {
    expect(check({ heartbeat: value }).heartbeat).toBe(value)
  })

  test.each([
    [0, '0'],
    [-1, '-1'],
    [MAX + 1, `${MAX + 1}`],
    [0.5, '0.5'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [true, 'true'],
    [null, 'null'],
    ['false', '"false"'],
  ])('refuses %o', (value, shown) => {
    const expected = `a whole number of milliseconds from 1 to ${MAX}, or false`
    expect(() => check({ heartbeat: value })).toThrow(refused('heartbeat', shown, expected))
  })
})

describe('binary', () => {
  test.each([true, false])('takes %s', value => {
    expect(check({ binary: value }).binary).toBe(value)
  })

  test.each([
    [1, '1'],
    [0, '0'],
    ['true', '"true"'],
    [null, 'null'],
    [new Boolean(true), 'an instance of Boolean'],
  ])('refuses %o', (value, shown) => {
    expect(() => check({ binary: value })).toThrow(refused('binary', shown, 'true or false'))
  })
})

describe('protocols', () => {
  const expected = 'an array of subprotocol names, each once'
  const FIRST_OF_1 = 'an array of 1, in which the name at index 0 has'
  const UNDEFINED_NAME = 'an array of 1, in which the name at index 0 is of type undefined'
  const hex = (sign: string) => sign.charCodeAt(0).toString(16).toUpperCase()

  test.each([[[]], [['chat']], [['chat.v2', 'chat.v1']], [['Chat', 'chat']], [["!#$%&'*+-.^_`|~09azAZ"]]])(
    'takes %j',
    protocols => {
      expect(check({ protocols }).protocols).toEqual(protocols)
    },
  )

  test('are copied', () => {
    const protocols = ['chat']
    const checked = check({ protocols })
    protocols.push('other')
    expect(checked.protocols).toEqual(['chat'])
  })

  test.each([
    ['a string, which may be a token', 'secret', 'text'],
    ['null', null, 'null'],
    ['a Set', new Set(['chat']), 'an instance of Set'],
    ['an object like an array', { length: 0 }, 'an object'],
    ['a name twice', ['chat', 'other', 'chat'], 'an array of 3, in which the name at index 2 is there twice'],
    ['an empty name', [''], 'an array of 1, in which the name at index 0 is empty'],
    ['a name with a space', ['my chat'], `${FIRST_OF_1} U+0020 at index 2`],
    ['a name with a comma', ['a,b'], `${FIRST_OF_1} U+002C at index 1`],
    [
      'a name with a line break, which would forge a header',
      ['a\r\nX: y'],
      `${FIRST_OF_1} U+000D at index 1`,
    ],
    ['a name with a line break at its end', ['chat\n'], `${FIRST_OF_1} U+000A at index 4`],
    ['a Chinese name', ['聊天'], `${FIRST_OF_1} U+804A at index 0`],
    ['a name that is an emoji', ['🐟'], `${FIRST_OF_1} U+1F41F at index 0`],
    ['a name that is a number', ['chat', 1], 'an array of 2, in which the name at index 1 is of type number'],
    ['a name that is null', [null], 'an array of 1, in which the name at index 0 is of type object'],
    ['a name that is undefined', [undefined], UNDEFINED_NAME],
    ['a hole in place of a name', new Array(1), UNDEFINED_NAME],
    // RFC 7230 §3.2.6: the delimiters.
    ...[...'(),/:;<=>?@[\\]{}"'].map(
      sign => [`a name with ${sign}`, [`a${sign}b`], `${FIRST_OF_1} U+00${hex(sign)} at index 1`] as const,
    ),
  ] as [string, unknown, string][])('refuses %s', (_, protocols, shown) => {
    expect(() => check({ protocols })).toThrow(refused('protocols', shown, expected))
  })
})

describe('signal', () => {
  test('takes an AbortSignal, aborted or not', () => {
    for (const signal of [new AbortController().signal, AbortSignal.abort()]) {
      expect(check({ signal }).signal).toBe(signal)
    }
  })

  test('accepts an imitation of an AbortSignal, on any platform', () => {
    const signal = { aborted: false, addEventListener() {}, removeEventListener() {} }
    expect(check({ signal }).signal).toBe(signal)
  })

  test.each([
    [null, 'null'],
    [true, 'true'],
    ['abort', '"abort"'],
    [{}, 'an object'],
    [{ aborted: false }, 'an object'],
    [{ aborted: false, addEventListener: true }, 'an object'],
    [{ addEventListener() {}, removeEventListener() {} }, 'an object'],
    [new EventTarget(), 'an instance of EventTarget'],
    [new AbortController(), 'an instance of AbortController'],
    [1, '1'],
    [Symbol('abort'), 'Symbol(abort)'],
    [() => {}, 'a function'],
  ])('refuses %o', (signal, shown) => {
    expect(() => check({ signal })).toThrow(refused('signal', shown, 'an AbortSignal'))
  })
})

describe.each(Object.keys(rules) as Name[])('%s', name => {
  test('may be given as undefined', () => {
    expect(check({ [name]: undefined })[name]).toEqual(check({})[name])
  })

  test('has a default that its own rule accepts, or none', () => {
    const { fallback, accepts } = rules[name]
    expect(fallback === undefined || accepts(fallback)).toBe(true)
  })
})

test.each(['max_fragments', 'compression'])('%s is not among them, since only Node has it', name => {
  expect(() => check({ [name]: 1 })).toThrow(
    expect.objectContaining({ message: expect.stringContaining(`there is no option "${name}"`) }),
  )
})

describe('the rules for other options', () => {
  test('whole_number accepts 1, its bound and the numbers between', () => {
    const rule = whole_number('sockets', 4, 3)
    expect([0, 1, 2, 3, 4, 5, 2.5].map(value => rule.accepts(value))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect([rule.fallback, rule.expects]).toEqual([3, 'a whole number of sockets from 1 to 4'])
  })

  test('is_whole_number is true only for numbers from one bound to the other', () => {
    const values = [-2, -1, 0, 1, 2, 0.5, Number.NaN, '0', 0n, null, undefined]
    expect(values.filter(value => is_whole_number(value, -1, 1))).toEqual([-1, 0, 1])
  })

  test('milliseconds accepts the delays of timers, up to 2,147,483,647', () => {
    const rule = milliseconds(10_000)
    expect([0, 1, MAX, MAX + 1].map(value => rule.accepts(value))).toEqual([false, true, true, false])
    expect([rule.fallback, rule.expects]).toEqual([10_000, `a whole number of milliseconds from 1 to ${MAX}`])
  })

  test('callback accepts any function, and is optional', () => {
    const rule = callback()
    const functions = [() => {}, async () => {}, class {}, Math.max]
    expect(functions.map(value => rule.accepts(value))).toEqual([true, true, true, true])
    expect(['f', {}, null, true].map(value => rule.accepts(value))).toEqual([false, false, false, false])
    expect([rule.fallback, rule.is_required, rule.expects]).toEqual([undefined, undefined, 'a function'])
  })

  test('exactly accepts one string, and is required', () => {
    const type_rules = { type: exactly('ws') }
    expect(check_options('call', { type: 'ws' }, type_rules)).toEqual({ type: 'ws' })
    for (const [given, got] of [
      [{}, 'is missing'],
      [{ type: 'tcp' }, 'is "tcp"'],
      [{ type: 'WS' }, 'is "WS"'],
      [{ type: null }, 'is null'],
    ] as const) {
      expect(() => check_options('call', given, type_rules)).toThrow(
        expect.objectContaining({
          code: 'invalid_option',
          message: `call: the option type ${got}; expected 'ws'`,
        }),
      )
    }
  })
})
