import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { as_payload } from '../../src/frames/payload.js'

const four_bytes = (): ArrayBuffer => Uint8Array.of(1, 2, 3, 4).buffer

describe('as_payload', () => {
  test.each(['', 'text', '中文', '\ud800'])('returns the string %j unchanged', text => {
    expect(as_payload(text)).toBe(text)
  })

  test('returns an empty Uint8Array as an empty one', () => {
    expect(as_payload(new Uint8Array(0))).toEqual(new Uint8Array(0))
  })

  test.each([Uint8Array.of(1, 2), Buffer.from([1, 2])])('returns %o itself', bytes => {
    expect(as_payload(bytes)).toBe(bytes)
  })

  test.each([
    ['an ArrayBuffer', four_bytes(), [1, 2, 3, 4]],
    ['an empty ArrayBuffer', new ArrayBuffer(0), []],
    ['a DataView', new DataView(four_bytes()), [1, 2, 3, 4]],
    ['a DataView of a part', new DataView(four_bytes(), 1, 2), [2, 3]],
    ['an Int8Array', Int8Array.of(-1, 1), [255, 1]],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(300), [255]],
    ['a Uint16Array of a part', new Uint16Array(four_bytes(), 2, 1), [3, 4]],
    ['a Float64Array', Float64Array.of(0), [0, 0, 0, 0, 0, 0, 0, 0]],
  ])('returns the bytes of %s', (_, data, bytes) => {
    const payload = as_payload(data)
    expect(payload).toBeInstanceOf(Uint8Array)
    expect([...(payload as Uint8Array)]).toEqual(bytes)
  })

  test.each([
    ['an ArrayBuffer', (buffer: ArrayBuffer) => buffer],
    ['a DataView', (buffer: ArrayBuffer) => new DataView(buffer)],
    ['a Uint16Array', (buffer: ArrayBuffer) => new Uint16Array(buffer)],
  ])('does not copy %s', (_, make) => {
    const buffer = four_bytes()
    const payload = as_payload(make(buffer)) as Uint8Array
    expect(payload.buffer).toBe(buffer)
  })

  test.each([
    ['a number', 42, '42'],
    ['NaN', Number.NaN, 'NaN'],
    ['true', true, 'true'],
    ['a bigint', 1n, '1n'],
    ['null', null, 'null'],
    ['undefined', undefined, 'undefined'],
    ['a symbol', Symbol('mark'), 'Symbol(mark)'],
    ['a function', () => 'x', 'a function'],
    ['an object', { a: 1 }, 'an object'],
    ['an array', [1, 2], 'an array of 2'],
    ['a Date', new Date(0), 'an instance of Date'],
    ['a Blob', new Blob(['x']), 'an instance of Blob'],
    ['a Response', new Response('x'), 'an instance of Response'],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'an instance of SharedArrayBuffer'],
  ])('refuses %s with a message that shows it, and what to send instead', (_, data, shown) => {
    expect(() => as_payload(data)).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: `send got ${shown}: send a string, such as JSON.stringify(data), or bytes, such as await blob.arrayBuffer()`,
      }),
    )
  })
})

test('an ArrayBuffer of another realm is accepted', () => {
  const foreign: unknown = runInNewContext('Uint8Array.of(1, 2).buffer')
  expect(foreign).not.toBeInstanceOf(ArrayBuffer)
  expect([...(as_payload(foreign) as Uint8Array)]).toEqual([1, 2])
})

describe('bytes with a detached or shrunk buffer', () => {
  const views: readonly [string, (buffer: ArrayBuffer) => unknown][] = [
    ['a Uint8Array', buffer => new Uint8Array(buffer, 2, 4)],
    ['a Uint8Array of the whole buffer', buffer => new Uint8Array(buffer)],
    ['a Buffer', buffer => Buffer.from(buffer, 2, 4)],
    ['a Uint8ClampedArray', buffer => new Uint8ClampedArray(buffer, 2, 4)],
    ['a Float32Array', buffer => new Float32Array(buffer, 4)],
    ['a BigInt64Array', buffer => new BigInt64Array(buffer, 8)],
    ['a DataView', buffer => new DataView(buffer, 2, 4)],
  ]
  const is_refused = (data: unknown): void =>
    expect(() => as_payload(data, 'publish')).toThrow(
      expect.objectContaining({
        name: 'NetError',
        code: 'invalid_argument',
        message: expect.stringMatching(
          /^publish got an instance of \w+ whose buffer was transferred or has shrunk: send a copy$/,
        ),
      }),
    )

  test.each([['an ArrayBuffer', (buffer: ArrayBuffer): unknown => buffer] as const, ...views])(
    '%s is refused after its buffer was transferred',
    (_, make) => {
      const buffer = new ArrayBuffer(16)
      const data = make(buffer)
      structuredClone(buffer, { transfer: [buffer] })
      is_refused(data)
    },
  )

  /** Returns a resizable buffer, which TypeScript's library for this target does not have. */
  const resizable = (): ArrayBuffer & { resize(bytes: number): void } =>
    new (ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer & { resize(): void })(
      16,
      {
        maxByteLength: 32,
      },
    )

  test.each(views.filter(([name]) => !name.includes('whole')))(
    '%s is refused after its buffer has shrunk below the view',
    (_, make) => {
      const buffer = resizable()
      const data = make(buffer)
      buffer.resize(1)
      is_refused(data)
    },
  )

  test('views without a fixed length are accepted with their current length', () => {
    const buffer = resizable()
    const [whole, rest] = [new Uint8Array(buffer), new Uint16Array(buffer, 2)]
    buffer.resize(6)
    expect([whole, rest].map(data => (as_payload(data) as Uint8Array).length)).toEqual([6, 4])
    buffer.resize(0)
    expect((as_payload(whole) as Uint8Array).length).toBe(0)
  })

  test.each([new Uint8Array(4).subarray(4), new Float32Array(0), new DataView(new ArrayBuffer(4), 4)])(
    'an empty view of an attached buffer is accepted',
    data => {
      expect((as_payload(data) as Uint8Array).length).toBe(0)
    },
  )

  test('a view of a SharedArrayBuffer is accepted', () => {
    const shared = new SharedArrayBuffer(4)
    new Uint8Array(shared).set([1, 2, 3, 4])
    for (const data of [new Uint8Array(shared, 1, 2), new DataView(shared, 1, 2)])
      expect([...(as_payload(data) as Uint8Array)]).toEqual([2, 3])
  })
})
