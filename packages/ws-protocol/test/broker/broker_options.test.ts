import { describe, expect, test } from 'vitest'
import { broker_name, broker_rules, client_options_rule } from '../../src/broker/broker_options.js'
import { check_options } from '../../src/options/option_rule.js'

describe('the prefix of channels', () => {
  test('is bt by default', () => {
    expect(check_options('nats', {}, broker_rules)).toEqual({ prefix: 'bt', connect_timeout: 10_000 })
    expect(check_options('nats', { prefix: 'shop.live_2-b' }, broker_rules).prefix).toBe('shop.live_2-b')
  })

  test.each(['', '.', 'a.', '.a', 'a..b', 'a b', 'a*', '>', 'ü', 'a\n', 'x'.repeat(65), 7])(
    'is not %j',
    prefix => {
      expect(() => check_options('nats', { prefix }, broker_rules)).toThrow(
        /nats: the option prefix is .*; expected/,
      )
    },
  )
})

describe('the time to connect', () => {
  test.each([0, -1, 1.5, 10_001, '5'])('is not %j', connect_timeout => {
    expect(() => check_options('nats', { connect_timeout }, broker_rules)).toThrow('from 1 to 10000')
  })
})

describe('options for a client', () => {
  const rule = client_options_rule<{ user: string; pass: string }>('nats', { user: true, pass: true })

  test('are accepted if they are known', () => {
    expect([rule.accepts({ user: 7 }), rule.accepts({}), rule.accepts('user'), rule.accepts(null)]).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  test('are refused by name if they are unknown', () => {
    expect(() => rule.accepts({ reconnect: true })).toThrow(
      'nats: there is no option "reconnect" in options; known are user, pass',
    )
  })
})

describe('the name of a broker', () => {
  test('has at most three addresses', () => {
    expect(broker_name('NATS', ['a:1'])).toBe('NATS at a:1')
    expect(broker_name('NATS', ['a:1', 'b:2', 'c:3'])).toBe('NATS at a:1, b:2, c:3')
    expect(broker_name('NATS', ['a:1', 'b:2', 'c:3', 'd:4', 'e:5'])).toBe('NATS at a:1, b:2, c:3 and 2 more')
  })
})
