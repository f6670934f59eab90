import { describe, expect, test } from 'vitest'
import type { EventChannels } from '../../src/connection/events.js'
import { is_thenable, report_error } from '../../src/connection/report.js'
import { NetError } from '../../src/errors/errors.js'
import { FakePlatform } from '../../src/testing/fake_platform.js'

const error = new NetError('connection_lost', 'the wire was cut')
const about = { side: 'client', handle: 'a handle' } as const

/** What other libraries make in place of promises. */
function thenable(
  then: true | ((resolve: (value: unknown) => void, reject: (cause: unknown) => void) => void),
) {
  return { then }
}

describe('is_thenable', () => {
  test.each([
    ['a promise', Promise.resolve()],
    ['a promise of another make', thenable(() => {})],
    ['what inherits then', Object.create(thenable(() => {}))],
  ])('is true for %s', (_, value) => {
    expect(is_thenable(value)).toBe(true)
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'then'],
    ['a number', 1],
    ['an object', {}],
    ['an object with then that is no function', thenable(true)],
    ['a function', () => {}],
  ])('is false for %s', (_, value) => {
    expect(is_thenable(value)).toBe(false)
  })
})

describe('report_error', () => {
  test('hands the error to on_error once, and says nothing aloud', () => {
    const platform = new FakePlatform()
    const told: NetError[] = []
    report_error(error, got => told.push(got), platform, about)
    expect(told).toEqual([error])
    expect(told[0]).toBe(error)
    expect(platform.warnings).toEqual([])
  })

  test('says the error aloud where there is no on_error', () => {
    const platform = new FakePlatform()
    report_error(error, undefined, platform, about)
    expect(platform.warnings).toHaveLength(1)
    expect(platform.warnings[0]).toBe(error)
  })

  const cause = new TypeError('on_error is broken')
  const failing: [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw cause
      },
    ],
    ['rejects', () => Promise.reject(cause)],
    [
      'rejects later',
      async () => {
        await Promise.resolve()
        throw cause
      },
    ],
    ['returns a thenable that rejects', () => thenable((_, reject) => reject(cause))],
    [
      'returns a thenable that throws',
      () =>
        thenable(() => {
          throw cause
        }),
    ],
    [
      'returns what throws when it is asked for then',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw cause
          },
        }),
    ],
  ]
  test.each(failing)('says both errors aloud where on_error %s, and throws nothing', async (_, on_error) => {
    const platform = new FakePlatform()
    expect(() => report_error(error, on_error, platform, about)).not.toThrow()
    await new Promise(setImmediate)
    expect(platform.warnings).toHaveLength(1)
    const [warning] = platform.warnings
    expect(warning?.code).toBe('handler_failed')
    expect(warning?.message).toContain('the wire was cut')
    expect(warning?.cause).toBe(cause)
  })

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'no error'],
  ])('says it aloud where on_error throws %s', async (_, thrown) => {
    const platform = new FakePlatform()
    report_error(
      error,
      () => {
        throw thrown
      },
      platform,
      about,
    )
    await Promise.resolve()
    expect(platform.warnings.map(warning => [warning.code, warning.cause])).toEqual([
      ['handler_failed', thrown],
    ])
  })

  test.each([
    ['nothing', undefined],
    ['a value', 'done'],
    ['a promise that is kept', Promise.resolve('done')],
  ])('says nothing aloud where on_error returns %s', async (_, returned) => {
    const platform = new FakePlatform()
    report_error(error, () => returned, platform, about)
    await new Promise(setImmediate)
    expect(platform.warnings).toEqual([])
  })

  test('does not wait for an on_error that never ends', () => {
    const platform = new FakePlatform()
    report_error(error, () => new Promise(() => {}), platform, about)
    expect(platform.warnings).toEqual([])
  })
})

test('what an on_error causes is told after it, and not within it', () => {
  const platform = new FakePlatform()
  const heard: string[] = []
  const on_error = ({ message }: NetError): void => {
    heard.push(`${message} begins`)
    const left = Number(message) - 1
    for (let i = 0; i < left; i += 1) tell(left)
    heard.push(`${message} ends`)
  }
  const tell = (left: number): void =>
    report_error(new NetError('queue_full', String(left)), on_error, platform, about)
  tell(3)
  tell(1)
  expect(heard).toEqual(
    ['3', '2', '2', '1', '1', '1'].flatMap(message => [`${message} begins`, `${message} ends`]),
  )
})

describe('the channel of errors', () => {
  /** A platform with channels, of which only that of errors may be used. */
  function with_channel(hasSubscribers: boolean) {
    const published: object[] = []
    const channel = { hasSubscribers, publish: (message: object) => published.push(message) }
    const channels = { error: channel } as unknown as EventChannels
    return { platform: Object.assign(new FakePlatform(), { channels }), published }
  }

  test.each([
    ['on_error', () => {}, []],
    ['nobody', undefined, [error]],
  ])('is told of an error that %s takes', (_, on_error, warnings) => {
    const { platform, published } = with_channel(true)
    report_error(error, on_error, platform, about)
    expect(published).toEqual([{ ...about, error }])
    expect(platform.warnings).toEqual(warnings)
  })

  test('is told before on_error', () => {
    const { platform, published } = with_channel(true)
    const seen: number[] = []
    report_error(error, () => seen.push(published.length), platform, about)
    expect(seen).toEqual([1])
  })

  test('is told nothing where nobody subscribes', () => {
    const { platform, published } = with_channel(false)
    report_error(error, () => {}, platform, about)
    expect(published).toEqual([])
  })
})

test('a function with a then is a promise of some make', () => {
  expect(is_thenable(Object.defineProperty(() => {}, 'then', { value: () => {} }))).toBe(true)
})
