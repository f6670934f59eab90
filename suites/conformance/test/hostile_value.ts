import fc from 'fast-check'

/** Part of a URL that no error message may show, whatever option has that URL as its value. */
export const SECRET = 'S3CR3T'

const boom = (): never => {
  throw new Error('boom')
}

/** Whether an error is one that a hostile value throws when it is read. */
export function is_boom(error: unknown): boolean {
  return error instanceof Error && /^boom$|proxy that has been revoked/.test(error.message)
}

/** Returns a proxy whose traps all throw. */
function throwing_proxy(target: object): object {
  const traps = Object.getOwnPropertyNames(Reflect).map(name => [name, boom])
  return new Proxy(target, Object.fromEntries(traps))
}

function revoked_proxy(target: object): object {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

/** Values that throw when they are inspected. */
const throwing = fc.constantFrom<(() => unknown)[]>(
  () => throwing_proxy({}),
  () => throwing_proxy([]),
  () => throwing_proxy(() => {}),
  () => revoked_proxy({}),
  () => revoked_proxy([]),
  () => [throwing_proxy({})],
  () => ({ toString: boom, valueOf: boom, [Symbol.toPrimitive]: boom, [Symbol.iterator]: boom }),
  () => Object.defineProperty({}, 'threshold', { get: boom, enumerable: true }),
  () => Object.defineProperty({}, 'aborted', { get: boom, enumerable: true }),
  () => Object.defineProperty({}, 'addEventListener', { get: boom }),
  () => Object.defineProperty({}, 'constructor', { get: boom }),
  () => Object.create(Object.defineProperty({}, 'constructor', { get: boom })),
  () => ({ aborted: false, addEventListener: boom, removeEventListener: boom }),
  () => ({ aborted: false, addEventListener() {}, removeEventListener: boom }),
  () => ({ addEventListener() {} }),
)

/** Values that an option may plausibly have, at its bounds and next to them. */
const plausible = fc.constantFrom<(() => unknown)[]>(
  ...[0, -0, 1, -1, 1.5, 2 ** 31 - 1, 2 ** 31, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY].map(
    number => () => number,
  ),
  ...['', 'ws', 'WS', '/', '/ws', 'ws?', '\0', '\ud800', 'chat', 'true', '25000'].map(text => () => text),
  ...[undefined, null, true, false, 1n, Symbol('s')].map(value => () => value),
  ...[
    `http://ada@corp.com:${SECRET}@host/?token=${SECRET}#${SECRET}`,
    'x'.repeat(10_000),
    '\u009b31m\u202e\u2028\u200b\ufeff\u{e0041}',
  ].map(text => () => text),
  () => [],
  () => ['chat'],
  () => ['chat', 'chat'],
  () => ['chat', ''],
  () => new Array(3),
  () => ({}),
  () => ({ threshold: 1 }),
  () => ({ threshold: -1, level: 10 }),
  () => ({ Authorization: 'Bearer x' }),
  () => ({ 'X\r\n': 'a\r\nb' }),
  () => Object.create(null),
  () => new (class Custom {})(),
  () => new AbortController().signal,
  () => AbortSignal.abort(),
  () => () => {},
  () => boom,
  () => async () => boom(),
  () => class {},
)

/** Creates any value at all, a new one with each call. */
export const hostile_value: fc.Arbitrary<() => unknown> = fc.oneof(
  { weight: 2, arbitrary: plausible },
  { weight: 1, arbitrary: throwing },
  {
    weight: 2,
    arbitrary: fc
      .anything({
        withBigInt: true,
        withBoxedValues: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withNullPrototype: true,
        withObjectString: true,
        withSparseArray: true,
        withTypedArray: true,
      })
      .map(value => () => value),
  },
)

type Options = Record<string, unknown>

/** Ways to pass options, most of them not as a plain object. */
export const wrapping: fc.Arbitrary<(options: Options) => unknown> = fc.oneof(
  { weight: 6, arbitrary: fc.constant((options: Options): unknown => options) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<((options: Options) => unknown)[]>(
      options => Object.create(options),
      options => Object.freeze(options),
      options => Object.assign(Object.create(null), options),
      options => Object.assign(new (class Options {})(), options),
      options => Object.assign([], options),
      options => Object.assign(() => {}, options),
      options => new Proxy(options, {}),
      throwing_proxy,
      revoked_proxy,
      options => new Proxy(options, { get: boom }),
      options => new Proxy(options, { ownKeys: boom }),
      options => new Proxy(options, { getOwnPropertyDescriptor: boom }),
      options => Object.defineProperty(options, 'type', { get: boom, enumerable: true }),
      options => Object.defineProperty(options, 'max_payload', { get: boom, enumerable: true }),
      options => Object.defineProperty(options, 'unknown', { get: boom, enumerable: true }),
      () => undefined,
      () => null,
      () => 'ws',
      () => 1,
    ),
  },
)
