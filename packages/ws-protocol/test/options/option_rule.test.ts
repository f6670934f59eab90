import { describe, expect, test } from 'vitest'
import { NetError } from '../../src/errors/errors.js'
import {
  check_options,
  describe_parts,
  describe_type,
  type OptionRules,
} from '../../src/options/option_rule.js'

interface CallOptions {
  address: string
  max_queue?: number | undefined
  close_timeout?: number | undefined
  tag?: string | undefined
}

const rules: OptionRules<CallOptions, 'address' | 'max_queue'> = {
  address: {
    is_required: true,
    expects: "'host:port'",
    accepts: value => typeof value === 'string' && value.includes(':'),
  },
  max_queue: { fallback: 64, expects: 'a number', accepts: value => typeof value === 'number' },
  close_timeout: { expects: 'a number', accepts: value => typeof value === 'number' },
  tag: { expects: 'a string', accepts: value => typeof value === 'string' },
}

const check = (given: unknown) => check_options('call', given, rules)

const invalid_option = (message: string | RegExp) =>
  expect.objectContaining({
    name: 'NetError',
    code: 'invalid_option',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  })

describe('valid options', () => {
  test('are returned unchanged', () => {
    const given = { address: 'a:1', max_queue: 1, close_timeout: 2, tag: 'x' }
    expect(check(given)).toEqual(given)
  })

  test('are completed with defaults', () => {
    expect(check({ address: 'a:1' }).max_queue).toBe(64)
    expect(check({ address: 'a:1' }).tag).toBeUndefined()
  })

  test('are completed with defaults for undefined', () => {
    expect(check({ address: 'a:1', max_queue: undefined, tag: undefined })).toMatchObject({ max_queue: 64 })
  })

  test('are copied, so that later changes have no effect', () => {
    const given = { address: 'a:1', max_queue: 1 }
    const checked = check(given)
    given.max_queue = 2
    expect(checked.max_queue).toBe(1)
  })

  test('are not changed by the check', () => {
    const given = Object.freeze({ address: 'a:1' })
    check(given)
    expect(given).toEqual({ address: 'a:1' })
  })

  test('may be an object without a prototype', () => {
    expect(check(Object.assign(Object.create(null), { address: 'a:1' })).address).toBe('a:1')
  })

  test('keep false, 0 and the empty string', () => {
    const any: OptionRules<{ value?: unknown }, 'value'> = {
      value: { fallback: 'filled in', expects: 'anything', accepts: () => true },
    }
    const kept = [false, 0, '', null].map(value => check_options('call', { value }, any).value)
    expect(kept).toEqual([false, 0, '', null])
  })
})

describe('options that are not an object', () => {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['a:1', '"a:1"'],
    [8081, '8081'],
    [true, 'true'],
    [() => ({}), 'a function'],
  ])('are refused: %o', (given, shown) => {
    expect(() => check(given)).toThrow(invalid_option(`call got ${shown} for its options: give an object`))
  })
})

describe('an invalid option', () => {
  test.each([
    ['address', 'no colon', '"no colon"', "'host:port'"],
    ['address', null, 'null', "'host:port'"],
    ['max_queue', '64', '"64"', 'a number'],
    ['max_queue', null, 'null', 'a number'],
    ['tag', Symbol('x'), 'Symbol(x)', 'a string'],
    ['tag', [1, 2], 'an array of 2', 'a string'],
  ])('is named with its value and the expected ones: %s of %o', (name, value, shown, expected) => {
    expect(() => check({ address: 'a:1', [name]: value })).toThrow(
      invalid_option(`call: the option ${name} is ${shown}; expected ${expected}`),
    )
  })

  test.each([
    ['not given', {}],
    ['undefined', { address: undefined }],
  ])('is named if it is required and %s', (_, given) => {
    expect(() => check(given)).toThrow(
      invalid_option("call: the option address is missing; expected 'host:port'"),
    )
  })

  test('is refused without a secret value in the message', () => {
    expect(() => check({ address: 'a:1', tag: { password: 'secret' } })).toThrow(
      invalid_option(/^((?!secret).)*$/),
    )
  })
})

describe('an unknown option', () => {
  test.each([
    ['maxQueue', 'max_queue'],
    ['max_que', 'max_queue'],
    ['max_queues', 'max_queue'],
    ['mqx_queue', 'max_queue'],
    ['Address', 'address'],
    ['adress', 'address'],
    ['closeTimeout', 'close_timeout'],
    ['close_time', 'close_timeout'],
    ['tagg', 'tag'],
    ['timeout_close', 'close_timeout'],
    ['xxtag', 'tag'],
    ['tagxx', 'tag'],
  ])('named %s is refused with the nearest name: %s', (name, nearest) => {
    expect(() => check({ address: 'a:1', [name]: 1 })).toThrow(
      invalid_option(`call: there is no option "${name}"; did you mean ${nearest}?`),
    )
  })

  test.each(['', 'x', 'g', 'tga', 'handshake', 'xxxtag', 'xxxxtag', 'x'.repeat(40)])(
    'named %j, similar to none, is refused with all names',
    name => {
      expect(() => check({ address: 'a:1', [name]: 1 })).toThrow(
        invalid_option(
          `call: there is no option "${name}"; known are address, max_queue, close_timeout, tag`,
        ),
      )
    },
  )

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__'])(
    'named %s is refused, although every object inherits such a property',
    name => {
      const given = JSON.parse(`{ "address": "a:1", "${name}": 1 }`)
      expect(() => check(given)).toThrow(invalid_option(/^call: there is no option /))
    },
  )

  test('is refused even if its value is undefined', () => {
    expect(() => check({ address: 'a:1', max_queu: undefined })).toThrow(
      invalid_option('call: there is no option "max_queu"; did you mean max_queue?'),
    )
  })

  test('is reported before a missing or invalid option, which it may be a misspelling of', () => {
    expect(() => check({ adress: 'a:1', max_queue: 'x' })).toThrow(
      invalid_option('call: there is no option "adress"; did you mean address?'),
    )
  })

  test('is cut at 80 characters in the message', () => {
    expect(() => check({ ['y'.repeat(500)]: 1 })).toThrow(invalid_option(/"y{80}…"/))
  })

  test('of a call without options is refused without a hint', () => {
    for (const name of ['a', 'abc']) {
      expect(() => check_options('call', { [name]: 1 }, {} as OptionRules<object, never>)).toThrow(
        invalid_option(`call: there is no option "${name}"; known are `),
      )
    }
  })
})

describe('an array as options', () => {
  test('is refused for its elements, which are unknown options', () => {
    expect(() => check(['a:1', 'b:2'])).toThrow(invalid_option(/^call: there is no option "0"; /))
  })

  test('is accepted as an empty object if it has no elements', () => {
    expect(() => check([])).toThrow(
      invalid_option("call: the option address is missing; expected 'host:port'"),
    )
  })
})

test('the first of several equally similar names is suggested', () => {
  const any = { expects: 'anything', accepts: () => true }
  const twins: OptionRules<{ on_opens?: unknown; on_opent?: unknown }, never> = {
    on_opens: any,
    on_opent: any,
  }
  expect(() => check_options('call', { on_open: 1 }, twins)).toThrow(
    invalid_option('call: there is no option "on_open"; did you mean on_opens?'),
  )
})

test.each([
  ['on_connection', 'did you mean on_connect?'],
  ['on_reconnect', 'did you mean on_reconnecting?'],
  ['ions', 'known are max_connections_per_ip, on_connect, reconnect, on_reconnecting'],
])('similarity depends on the longer name: the hint for %s is %s', (name, hint) => {
  const any = { expects: 'anything', accepts: () => true }
  const rules = { max_connections_per_ip: any, on_connect: any, reconnect: any, on_reconnecting: any }
  expect(() => check_options('call', { [name]: 1 }, rules as OptionRules<object, never>)).toThrow(
    invalid_option(`call: there is no option "${name}"; ${hint}`),
  )
})

test('checked options have no further properties', () => {
  const checked = check(JSON.parse('{ "address": "a:1" }'))
  expect(Object.keys(checked).sort()).toEqual(['address', 'close_timeout', 'max_queue', 'tag'])
})

test('an invalid secret is not in the error', () => {
  const rules = { key: { shown: describe_type, expects: 'a key', accepts: () => false } }
  expect(() => check_options<{ key?: string }, never>('open', { key: 'sesame' }, rules)).toThrow(
    /^open: the option key is of type string; expected a key$/,
  )
})

describe('options that throw when they are read', () => {
  const boom = (): never => {
    throw new Error('boom')
  }

  test('pass on what their getters and proxies throw', () => {
    const given = Object.defineProperty({ address: 'a:1' }, 'tag', { get: boom, enumerable: true })
    for (const options of [given, new Proxy({}, { ownKeys: boom })])
      expect(() => check(options)).toThrow(new Error('boom'))
  })

  test('are invalid if their value throws', () => {
    const throwing: typeof rules = { ...rules, tag: { ...rules.tag, accepts: boom } }
    expect(() => check_options('call', { address: 'a:1', tag: 'x' }, throwing)).toThrow(
      invalid_option('call: the option tag is "x"; expected a string'),
    )
  })
})

test('a NetError that a rule throws is passed on', () => {
  const thrown = new NetError('unsupported', 'not here')
  const accepts = (): never => {
    throw thrown
  }
  const throwing: typeof rules = { ...rules, tag: { ...rules.tag, accepts } }
  expect(() => check_options('call', { address: 'a:1', tag: 'x' }, throwing)).toThrow(thrown)
})

describe('a rule that shows parts', () => {
  const shown: typeof rules = { ...rules, tag: { ...rules.tag, shown: describe_parts } }
  const message_of = (tag: unknown): string => {
    try {
      check_options('call', { address: 'a:1', tag }, shown)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing was wrong'
  }
  const { proxy, revoke } = Proxy.revocable<unknown[]>([], {})
  revoke()

  test.each([
    ['the parts of an object', { a: 1, b: 'two' }, '{ a: 1, b: "two" }'],
    ['an array as one', [1, 2], 'an array of 2'],
    ['only that it is an object if reading it throws', proxy, 'an object'],
  ])('says %s', (_, tag, said) => {
    expect(message_of(tag)).toBe(`call: the option tag is ${said}; expected a string`)
  })
})

describe('a rule that describes a flaw', () => {
  const shown = (): string => 'an array in which all is wrong'
  const message_of = (rule: Partial<OptionRules<CallOptions, never>['tag']>): string => {
    const knowing: typeof rules = { ...rules, tag: { ...rules.tag, accepts: () => false, shown, ...rule } }
    try {
      check_options('call', { address: 'a:1', tag: ['a', 'b'] }, knowing)
    } catch (error) {
      return (error as Error).message
    }
    return 'nothing was wrong'
  }

  test('says it', () => {
    expect(message_of({})).toBe('call: the option tag is an array in which all is wrong; expected a string')
  })

  test('shows the value if it returns undefined', () => {
    expect(message_of({ shown: () => undefined })).toBe(
      'call: the option tag is an array of 2; expected a string',
    )
  })

  test('shows the value if it throws', () => {
    const boom = (): never => {
      throw new Error('a test throws this')
    }
    expect(message_of({ shown: boom })).toBe('call: the option tag is an array of 2; expected a string')
  })
})
