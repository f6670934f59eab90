import { describe, expect, test } from 'vitest'
import { NetError } from '../../src/errors/errors.js'
import { FakePlatform } from '../../src/testing/fake_platform.js'

describe('a deferred task', () => {
  test('does not run before the turn ends', () => {
    const platform = new FakePlatform()
    const log: string[] = []
    platform.defer(() => log.push('a'))
    platform.clock.advance(1_000)
    expect(log).toEqual([])
    platform.end_turn()
    expect(log).toEqual(['a'])
  })

  test('runs in order, and once', () => {
    const platform = new FakePlatform()
    const log: string[] = []
    for (const name of ['a', 'b', 'c']) platform.defer(() => log.push(name))
    platform.end_turn()
    platform.end_turn()
    expect(log).toEqual(['a', 'b', 'c'])
  })

  test('deferred by another one runs in the same turn, after the rest', () => {
    const platform = new FakePlatform()
    const log: string[] = []
    platform.defer(() => {
      log.push('a')
      platform.defer(() => {
        log.push('c')
        platform.defer(() => log.push('d'))
      })
    })
    platform.defer(() => log.push('b'))
    platform.end_turn()
    expect(log).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('a task for the end of the callback', () => {
  test('runs at the end of the callback, once', () => {
    const platform = new FakePlatform()
    const log: string[] = []
    platform.soon(() => log.push('soon'))
    expect(log).toEqual([])
    platform.end_callback()
    platform.end_turn()
    expect(log).toEqual(['soon'])
  })

  test('runs before every task for the end of the turn', () => {
    const platform = new FakePlatform()
    const log: string[] = []
    platform.defer(() => {
      log.push('deferred')
      platform.soon(() => log.push('soon again'))
    })
    platform.defer(() => log.push('deferred, too'))
    platform.soon(() => log.push('soon'))
    platform.end_turn()
    expect(log).toEqual(['soon', 'deferred', 'soon again', 'deferred, too'])
  })
})

describe('a FakePlatform', () => {
  test('ends a turn without deferred tasks', () => {
    expect(() => new FakePlatform().end_turn()).not.toThrow()
  })

  test('records warnings in order', () => {
    const platform = new FakePlatform()
    const [first, second] = [new NetError('closed', 'first'), new NetError('closed', 'second')] as const
    platform.warn(first)
    platform.warn(second)
    expect(platform.warnings.map(({ message }) => message)).toEqual(['first', 'second'])
    expect(platform.warnings[0]).toBe(first)
  })

  test('has a clock that stands still', () => {
    expect(new FakePlatform().clock.now_ms()).toBe(0)
  })

  test('measures text as UTF-8', () => {
    expect(['', 'a', '中', '😀', '\ud800'].map(new FakePlatform().byte_length)).toEqual([0, 1, 3, 4, 3])
  })

  test('makes a new queue of unframed messages each time', () => {
    const platform = new FakePlatform()
    const queue = platform.make_queue(true)
    queue.push('a', 7)
    expect(queue.take()).toMatchObject({ payloads: ['a'], messages: 1 })
    queue.push('b', 7)
    expect(platform.make_queue(true).take()).toBeUndefined()
  })

  test('shares nothing with another one', () => {
    const [one, other] = [new FakePlatform(), new FakePlatform()] as const
    const log: string[] = []
    one.warn(new NetError('closed', 'of the one'))
    one.defer(() => log.push('of the one'))
    one.clock.advance(5)
    other.end_turn()
    expect([other.warnings, log, other.clock.now_ms()]).toEqual([[], [], 0])
  })
})
