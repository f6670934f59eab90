import { describe, expect, test } from 'vitest'
import { wire_rules } from '../../../src/node/wire/wire_rules.js'
import { check_options } from '../../../src/options/option_rule.js'
import { NOT_A_COUNT } from '../../options/not_a_count.js'

const MAX = 2_147_483_647
const check = (given: unknown) => check_options('call', given, wire_rules(1_024))

const refused = (name: string, shown: string, expected: string) =>
  expect.objectContaining({
    code: 'invalid_option',
    message: `call: the option ${name} is ${shown}; expected ${expected}`,
  })

test('the defaults are those of the contract', () => {
  expect(check({})).toEqual({ max_fragments: 1_024, compression: false })
})

test('the default of max_fragments is the side’s own', () => {
  expect(check_options('call', {}, wire_rules(16_384))).toEqual({ max_fragments: 16_384, compression: false })
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
    expect(check({ compression: value }).compression).toBe(value)
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
    const { fallback, accepts } = wire_rules(1_024)[name]
    expect(accepts(fallback)).toBe(true)
  })
})
