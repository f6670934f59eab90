import { describe, expect, it } from 'vitest'
import { connect, listen } from '../src/index.js'

describe.each([
  ['listen', listen],
  ['connect', connect],
] as const)('the type of %s', (name, call) => {
  it.each([
    ['no options', undefined, `${name} got undefined for its options: give an object`],
    ['text for options', 'ws', `${name} got "ws" for its options: give an object`],
    ['none', {}, `${name}: the option type is missing; known types are 'ws', 'mem'`],
    ['an unknown one', { type: 'tcp' }, `${name}: the option type is "tcp"; known types are 'ws', 'mem'`],
    [
      'the name of what every object has',
      { type: 'constructor' },
      `${name}: the option type is "constructor"; known types are 'ws', 'mem'`,
    ],
  ])('%s throws an error that lists the known types', (_name, options, message) => {
    expect(() => (call as (options: unknown) => unknown)(options)).toThrow(
      expect.objectContaining({ code: 'invalid_option', message }),
    )
  })
})
