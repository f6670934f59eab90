import { describe, expect, test } from 'vitest'
import type { EventChannels } from '../../src/connection/events.js'
import { is_thenable, report_error } from '../../src/connection/report.js'
import { NetError } from '../../src/errors/errors.js'
import { FakePlatform } from '../../src/testing/fake_platform.js'

const error = new NetError('connection_lost', 'the wire was cut')
const about = { side: 'client', handle: 'a handle' } as const

/** A promise of another library. */
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
  test('passes the error to on_error once, and shows no warning', () => {
    const platform = new FakePlatform()
    const reported: NetError[] = []
    report_error(error, got => reported.push(got), platform, about)
    expect(reported).toEqual([error])
    expect(reported[0]).toBe(error)
    expect(platform.warnings).toEqual([])
  })

  test('shows the error as a warning if there is no on_error', () => {
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
      'returns an object whose then throws',
      () =>
        Object.defineProperty({}, 'then', {
          get() {
            throw cause
          },
        }),
    ],
  ]
  test.each(failing)(
    'shows both errors as warnings if on_error %s, and throws nothing',
    async (_, on_error) => {
      const platform = new FakePlatform()
      expect(() => report_error(error, on_error, platform, about)).not.toThrow()
      await new Promise(setImmediate)
      expect(platform.warnings).toHaveLength(1)
      const [warning] = platform.warnings
      expect(warning?.code).toBe('handler_failed')
      expect(warning?.message).toContain('the wire was cut')
      expect(warning?.cause).toBe(cause)
    },
  )

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'no error'],
  ])('shows a warning if on_error throws %s', async (_, thrown) => {
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
  ])('shows no warning if on_error returns %s', async (_, returned) => {
    const platform = new FakePlatform()
    report_error(error, () => returned, platform, about)
    await new Promise(setImmediate)
    expect(platform.warnings).toEqual([])
  })

  test('does not wait for an on_error that never settles', () => {
    const platform = new FakePlatform()
    report_error(error, () => new Promise(() => {}), platform, about)
    expect(platform.warnings).toEqual([])
  })
})

test('an error that on_error causes is reported after it returns', () => {
  const platform = new FakePlatform()
  const log: string[] = []
  const on_error = ({ message }: NetError): void => {
    log.push(`${message} begins`)
    const left = Number(message) - 1
    for (let i = 0; i < left; i += 1) tell(left)
    log.push(`${message} ends`)
  }
  const tell = (left: number): void =>
    report_error(new NetError('queue_full', String(left)), on_error, platform, about)
  tell(3)
  tell(1)
  expect(log).toEqual(
    ['3', '2', '2', '1', '1', '1'].flatMap(message => [`${message} begins`, `${message} ends`]),
  )
})

describe('the channel of errors', () => {
  /** Returns a platform that has only the channel of errors. */
  function with_channel(hasSubscribers: boolean) {
    const published: object[] = []
    const channel = { hasSubscribers, publish: (message: object) => published.push(message) }
    const channels = { error: channel } as unknown as EventChannels
    return { platform: Object.assign(new FakePlatform(), { channels }), published }
  }

  test.each([
    ['on_error', () => {}, []],
    ['a warning', undefined, [error]],
  ])('gets an error that %s handles', (_, on_error, warnings) => {
    const { platform, published } = with_channel(true)
    report_error(error, on_error, platform, about)
    expect(published).toEqual([{ ...about, error }])
    expect(platform.warnings).toEqual(warnings)
  })

  test('gets the error before on_error', () => {
    const { platform, published } = with_channel(true)
    const seen: number[] = []
    report_error(error, () => seen.push(published.length), platform, about)
    expect(seen).toEqual([1])
  })

  test('gets nothing without subscribers', () => {
    const { platform, published } = with_channel(false)
    report_error(error, () => {}, platform, about)
    expect(published).toEqual([])
  })
})

test('a function with a then counts as a promise', () => {
  expect(is_thenable(Object.defineProperty(() => {}, 'then', { value: () => {} }))).toBe(true)
})
