import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Channel } from '../../../src/connection/events.js'
import { NetError } from '../../../src/errors/errors.js'
import { node_platform } from '../../../src/node/platform/platform.js'
import type { FrameBatch } from '../../../src/queues/batch.js'

const { clock } = node_platform

describe('the clock', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('advances with time', async () => {
    const before = clock.now_ms()
    await new Promise<void>(done => clock.start_timer(10, done))
    expect(clock.now_ms()).toBeGreaterThan(before + 5)
  })

  test('does not go back when the date of the system is set back', () => {
    const before = clock.now_ms()
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    expect(Date.now()).toBe(0)
    expect(clock.now_ms()).toBeGreaterThanOrEqual(before)
  })

  test('does not run a timer that was stopped, but those started after it', async () => {
    const log: string[] = []
    const stop = clock.start_timer(1, () => log.push('stopped'))
    stop()
    stop()
    await new Promise<void>(done =>
      clock.start_timer(2, () => {
        log.push('kept')
        done()
      }),
    )
    expect(log).toEqual(['kept'])
  })

  test('runs a timer after data that arrived while the process was busy is read', async () => {
    const log: string[] = []
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [Socket],
      unknown,
    ]
    const has_arrived = once(socket, 'data').then(() => log.push('arrived'))
    const is_over = new Promise<void>(done =>
      clock.start_timer(1, () => {
        log.push('timer')
        done()
      }),
    )
    client.write('x')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    await Promise.all([has_arrived, is_over])
    expect(log).toEqual(['arrived', 'timer'])
    client.destroy()
    server.close()
  })

  test('lets a timer be stopped after it has run', async () => {
    let stop = () => {}
    await new Promise<void>(done => {
      stop = clock.start_timer(1, done)
    })
    expect(() => stop()).not.toThrow()
  })
})

describe('byte_length', () => {
  test.each([
    ['no text', ''],
    ['1 byte for a letter', 'a\u0000\u007f'],
    ['2 bytes for a letter', '\u0080é\u07ff'],
    ['3 bytes for a letter', '\u0800中\uffff'],
    ['4 bytes for a letter', '😀\u{10ffff}'],
    ['a high surrogate alone', 'a\ud83d'],
    ['a low surrogate alone', '\ude00a'],
    ['a pair the wrong way round', '\ude00\ud83d'],
  ])('counts as TextEncoder does: %s', (_, content) => {
    expect(node_platform.byte_length(content)).toBe(new TextEncoder().encode(content).length)
  })
})

describe('make_queue', () => {
  test.each([
    ['a server unmasked', false, [0x81, 3, 0xe4, 0xb8, 0xad]],
    ['a client with room for the mask key', true, [0x81, 0x83, 0, 0, 0, 0, 0xe4, 0xb8, 0xad]],
  ])('packs the frames of %s (RFC 6455 §5.1)', (_, is_masked, frame) => {
    const queue = node_platform.make_queue(is_masked)
    queue.push('中', frame.length)
    expect([...((queue.take() as FrameBatch | undefined)?.frames ?? [])]).toEqual(frame)
  })

  test('makes a queue of its own each time', () => {
    const queue = node_platform.make_queue(false)
    queue.push('a', 3)
    expect(node_platform.make_queue(false).take()).toBeUndefined()
  })
})

describe('soon', () => {
  test('runs tasks in order behind the running callback, and before the next one', async () => {
    const log: string[] = []
    await new Promise<void>(done => {
      setImmediate(() => {
        for (const name of ['a', 'b', 'c']) node_platform.soon(() => log.push(name))
        log.push('callback')
      })
      setImmediate(() => {
        log.push('next callback')
        done()
      })
    })
    expect(log).toEqual(['callback', 'a', 'b', 'c', 'next callback'])
  })

  test('runs a task before the promise jobs that the running callback started', async () => {
    const log: string[] = []
    await new Promise<void>(done => {
      setImmediate(() => {
        Promise.resolve().then(() => log.push('promise job'))
        node_platform.soon(() => log.push('soon'))
        setImmediate(done)
      })
    })
    expect(log).toEqual(['soon', 'promise job'])
  })

  test('runs what a task asks for, too', async () => {
    const log: string[] = []
    await new Promise<void>(done => {
      node_platform.soon(() => {
        log.push('first')
        node_platform.soon(() => {
          log.push('asked for by the first')
          done()
        })
      })
      node_platform.soon(() => log.push('second'))
    })
    expect(log).toEqual(['first', 'second', 'asked for by the first'])
  })
})

describe.each(['soon', 'defer'] as const)('a task of %s that throws', kind => {
  test('reaches the process as an uncaught exception, and the others still run', async () => {
    const log: string[] = []
    // The runner's own listeners would take it for a failure of the test.
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', error => log.push(error.message))
    const all_run = new Promise<void>(done => {
      node_platform[kind](() => log.push('before'))
      node_platform[kind](() => {
        throw new Error('thrown')
      })
      node_platform[kind](() => {
        log.push('after')
        done()
      })
    })
    await all_run
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
    expect(log).toEqual(['before', 'thrown', 'after'])
  })
})

describe('defer', () => {
  test('runs a task behind the running callback, and before the next one', async () => {
    const log: string[] = []
    await new Promise<void>(done => {
      setImmediate(() => {
        node_platform.defer(() => log.push('deferred'))
        log.push('callback')
      })
      setImmediate(() => {
        log.push('next callback')
        done()
      })
    })
    expect(log).toEqual(['callback', 'deferred', 'next callback'])
  })

  test('runs tasks in order', async () => {
    const log: string[] = []
    for (const name of ['a', 'b', 'c']) node_platform.defer(() => log.push(name))
    await new Promise(setImmediate)
    expect(log).toEqual(['a', 'b', 'c'])
  })

  test('runs what a promise job defers behind the promise jobs that wait', async () => {
    const log: string[] = []
    await new Promise<void>(done => {
      setImmediate(() => {
        Promise.resolve().then(() => {
          node_platform.defer(() => log.push('deferred'))
          log.push('first job')
        })
        Promise.resolve().then(() => log.push('second job'))
        setImmediate(done)
      })
    })
    expect(log).toEqual(['first job', 'second job', 'deferred'])
  })
})

describe('channels', () => {
  const names = ['open', 'close', 'message', 'queue_full', 'refused', 'error'] as const

  test('are those of the contract', () => {
    expect(Object.keys(node_platform.channels ?? {})).toEqual(names)
  })

  test.each(names)('%s reaches its subscribers, in the same turn, and no others', name => {
    const channel = node_platform.channels?.[name] as Channel<object> | undefined
    const heard: unknown[] = []
    const listener = (message: unknown, from: string | symbol): unknown => heard.push([from, message])
    expect(channel?.hasSubscribers).toBe(false)
    channel?.publish({ number: 1 })
    subscribe(`bt.net.${name}`, listener)
    expect(channel?.hasSubscribers).toBe(true)
    const message = { number: 2 }
    channel?.publish(message)
    unsubscribe(`bt.net.${name}`, listener)
    expect(channel?.hasSubscribers).toBe(false)
    channel?.publish({ number: 3 })
    expect(heard).toEqual([[`bt.net.${name}`, message]])
  })
})

describe('warn', () => {
  test('emits the error itself as a warning of the process', async () => {
    const error = new NetError('handler_failed', 'no failure: a test says this aloud')
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    node_platform.warn(error)
    await new Promise(setImmediate)
    process.off('warning', note)
    expect(warnings).toContain(error)
  })

  /** What the process shows of so many errors. */
  async function shown_of(errors: readonly NetError[]): Promise<readonly Error[]> {
    // What was shown before comes as late.
    await new Promise(setImmediate)
    const warnings: Error[] = []
    const note = (warning: Error) => warnings.push(warning)
    process.on('warning', note)
    for (const error of errors) node_platform.warn(error)
    await new Promise(setImmediate)
    process.off('warning', note)
    return warnings
  }

  function fail(): never {
    throw new Error('no failure: a test throws this')
  }

  /** A callback threw an error whose `stack` is like this. */
  function thrown(stack: PropertyDescriptor): NetError {
    const cause = Object.defineProperty(new Error('no failure: a test throws this'), 'stack', stack)
    return new NetError('handler_failed', 'a test says this aloud', { cause })
  }

  test('shows no more than the first ten of a flood, and that others follow', async () => {
    const flood = Array.from({ length: 1_000 }, () => new NetError('server_failed', 'a test says this aloud'))
    const warnings = await shown_of(flood)
    expect(warnings.slice(0, -1)).toEqual(flood.slice(0, 10))
    expect(warnings.at(-1)).toMatchObject({
      code: 'server_failed',
      message: expect.stringContaining('counted for a minute'),
    })
  })

  test('keeps no process alive for the count that follows', () => {
    const timers = () => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length
    const before = timers()
    node_platform.warn(new NetError('origin_refused', 'a test says this aloud'))
    expect(timers()).toBe(before)
  })

  test('cuts an error of a callback that quotes a long message', async () => {
    const cause = new Error('x'.repeat(5_000))
    const error = new NetError('inbox_overflow', `a test says this aloud: ${cause.message}`)
    const failed = new NetError('handler_failed', error.message, { cause })
    const warnings = await shown_of([error, failed])
    expect(warnings.map(({ message }) => message)).toEqual(Array(2).fill(`${error.message.slice(0, 4_096)}…`))
    expect(warnings[1]).toMatchObject({ code: 'handler_failed', cause, detail: cause.stack?.slice(0, 4_096) })
    expect(error.message).toHaveLength(5_024)
  })

  test('has Node print where a callback threw: what it prints below a warning is its detail', () => {
    const cause = new TypeError('thrown by a test, which says this aloud')
    const failed = new NetError('handler_failed', 'no failure: a test says this aloud', { cause })
    node_platform.warn(failed)
    expect(failed).toMatchObject({ detail: cause.stack })
    expect(Object.keys(failed)).not.toContain('detail')
  })

  test.each([
    [
      'a callback threw no error',
      new NetError('handler_failed', 'a test says this aloud', { cause: 'text' }),
    ],
    [
      'no callback threw',
      new NetError('connection_lost', 'a test says this aloud', { cause: new Error('x') }),
    ],
    ['the stack of what a callback threw is no text', thrown({ value: [] })],
    ['the stack of what a callback threw throws when it is read', thrown({ get: fail })],
    [
      'what a callback threw throws when it is asked what it is',
      new NetError('handler_failed', 'a test says this aloud', {
        cause: new Proxy({}, { getPrototypeOf: fail }),
      }),
    ],
  ])('has Node print no more than the message where %s', (_, error) => {
    node_platform.warn(error)
    expect('detail' in error).toBe(false)
  })
})

test('defer runs a task behind the promise jobs that the running callback started', async () => {
  const log: string[] = []
  await new Promise<void>(done => {
    setImmediate(() => {
      Promise.resolve()
        .then(() => log.push('promise job'))
        .then(() => log.push('its successor'))
      node_platform.defer(() => log.push('deferred'))
      setImmediate(done)
    })
  })
  expect(log).toEqual(['promise job', 'its successor', 'deferred'])
})
