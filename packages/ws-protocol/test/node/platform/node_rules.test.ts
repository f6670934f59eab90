import { describe, expect, test } from 'vitest'
import { node_platform, register_network } from '../../../src/node/index.js'
import { node_rules, select_environment } from '../../../src/node/platform/node_rules.js'
import { check_options } from '../../../src/options/option_rule.js'
import { NOT_A_COUNT } from '../../options/not_a_count.js'

const MAX = 2_147_483_647
const check = (given: object) => check_options('call', { type: 'ws', ...given }, node_rules(1_024))

const refused = (name: string, shown: string, expected: string) =>
  expect.objectContaining({
    code: 'invalid_option',
    message: `call: the option ${name} is ${shown}; expected ${expected}`,
  })

test('the defaults are those of the contract', () => {
  expect(check({})).toEqual({ type: 'ws', max_fragments: 1_024, compression: false })
})

test('the default of max_fragments is the side’s own', () => {
  const rules = node_rules(16_384)
  expect(check_options('call', { type: 'ws' }, rules).max_fragments).toBe(16_384)
})

describe('max_fragments', () => {
  test.each([1, 2, 999_999, 1_000_000])('takes %i', value => {
    expect(check({ max_fragments: value }).max_fragments).toBe(value)
  })

  test.each<readonly [unknown, string]>([[0, '0'], [1_000_001, '1000001'], ...NOT_A_COUNT])(
    'refuses %o',
    (value, shown) => {
      expect(() => check({ max_fragments: value })).toThrow(
        refused('max_fragments', shown, 'a whole number of fragments from 1 to 1000000'),
      )
    },
  )
})

describe('compression', () => {
  test.each([
    true,
    false,
    {},
    Object.create(null),
    { threshold: 0 },
    { threshold: MAX },
    { level: 1 },
    { level: 9 },
    { threshold: 1_024, level: 6 },
    { threshold: undefined, level: undefined },
  ])('takes %o', value => {
    expect(check({ compression: value }).compression).toEqual(value)
  })

  test.each([
    [null, 'null'],
    [1, '1'],
    ['true', '"true"'],
    [() => true, 'a function'],
    [{ threshold: -1 }, '{ threshold: -1 }'],
    [{ threshold: MAX + 1 }, '{ threshold: 2147483648 }'],
    [{ threshold: 1.5 }, '{ threshold: 1.5 }'],
    [{ threshold: '1024' }, '{ threshold: "1024" }'],
    [{ threshold: null }, '{ threshold: null }'],
    [{ threshold: Number.NaN }, '{ threshold: NaN }'],
    [{ level: 0 }, '{ level: 0 }'],
    [{ level: 10 }, '{ level: 10 }'],
    [{ level: -1 }, '{ level: -1 }'],
    [{ level: 6.5 }, '{ level: 6.5 }'],
    [{ level: '6' }, '{ level: "6" }'],
    [{ level: null }, '{ level: null }'],
    [{ level: 6, treshold: 1 }, '{ level: 6, treshold: 1 }'],
    [{ level: 6, windowBits: undefined }, '{ level: 6, windowBits: undefined }'],
    [[], 'an array of 0'],
    [['threshold'], 'an array of 1'],
    [new Date(0), 'an instance of Date'],
  ])('refuses %o', (value, shown) => {
    expect(() => check({ compression: value })).toThrow(
      refused('compression', shown, 'true, false, or { threshold?: bytes, level?: 1 to 9 }'),
    )
  })
})

describe.each(['max_fragments', 'compression'] as const)('%s', name => {
  test('may be given as undefined', () => {
    expect(check({ [name]: undefined })).toEqual(check({}))
  })

  test('has a default that its own rule accepts', () => {
    const { fallback, accepts } = node_rules(1_024)[name]
    expect(accepts(fallback)).toBe(true)
  })
})

describe('type and network', () => {
  const network = {}
  const environment = {
    platform: node_platform,
    has_tls: false,
    create_http_server: (): never => never_called(),
  }
  register_network(network, environment)

  function never_called(): never {
    throw new Error('called')
  }

  test('select the machine, or the environment of a network', () => {
    expect(select_environment('call', check({})).platform).toBe(node_platform)
    expect(select_environment('call', check({ type: 'mem', network }))).toBe(environment)
  })

  test.each([
    [{ type: 'mem' }, "call: the type 'mem' is for tests, and needs the option network"],
    [{ network }, "call: the option network is for the type 'mem'"],
  ])('need each other: %o', (given, message) => {
    expect(() => select_environment('call', check(given))).toThrow(message)
  })

  test.each([
    [{ type: 'tcp' }, `"tcp"; expected 'ws', or 'mem' in a test`],
    [{ network: {} }, 'an object; expected a memory_network() of @bt/net/testing'],
    [{ network: 'x' }, '"x"; expected a memory_network() of @bt/net/testing'],
  ])('are checked: %o', (given, message) => {
    expect(() => check(given)).toThrow(message)
  })
})
