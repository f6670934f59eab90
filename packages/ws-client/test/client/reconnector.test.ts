import { type CloseInfo, NetError } from '@bt/ws-protocol'
import { with_retry_hint } from '@bt/ws-protocol/internal'
import { FakeClock } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { Reconnector, type ReconnectorSettings } from '../../src/client/reconnector.js'
import { read_refusal } from '../../src/node/refusal_hint.js'

const lost: CloseInfo = { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 }
const settings = { min_delay: 1_000, max_delay: 8_000, max_attempts: Infinity, retries: undefined }
const refused: CloseInfo = { ...lost, cause: 'refused' }
const closed = (reason: string): CloseInfo => ({
  ...lost,
  code: 1001,
  reason,
  cause: 'peer',
  clean: true,
})
const refused_for = (retry_after: string): NetError =>
  new NetError('handshake_refused', 'no', { cause: { status: 503, headers: { 'retry-after': retry_after } } })

describe('Reconnector', () => {
  let clock: FakeClock
  /** When it connected again. */
  let again_ms: number[]
  let random: number
  let is_offline: boolean
  let is_local: boolean
  let reports: NetError[]
  let delay_ms: number
  let reconnector: Reconnector

  const start = (changed: Partial<ReconnectorSettings> = {}, knows_offline = true): void => {
    const platform = {
      clock,
      ...(knows_offline && {
        is_offline: () => is_offline,
        is_cut_off: () => is_offline && !is_local,
      }),
    }
    reconnector = new Reconnector(
      { ...settings, read_refusal, ...changed },
      platform,
      {
        url: () => 'ws://host/ws',
        waiting: (_info, _error, wait_ms) => {
          delay_ms = wait_ms
        },
        reconnect: () => again_ms.push(clock.now_ms()),
        report: error => reports.push(error),
      },
      () => random,
    )
  }

  const come_online = (): void => {
    is_offline = false
    reconnector.wake()
  }

  /** Loses the connection, or an attempt, and returns how long the wait is. */
  const lose = (info: CloseInfo = lost, error?: NetError): number => {
    expect(reconnector.allows(info, error)).toBe(true)
    reconnector.lost(undefined, info, error)
    return delay_ms
  }

  beforeEach(() => {
    clock = new FakeClock()
    again_ms = []
    reports = []
    is_offline = is_local = false
    random = 0.5
    start()
  })

  it('waits for the returned delay, and reconnects once', () => {
    expect(lose()).toBe(500)
    clock.advance(499)
    expect(again_ms).toEqual([])
    clock.advance(1)
    expect(again_ms).toEqual([500])
    clock.advance(100_000)
    expect(again_ms).toEqual([500])
  })

  it('waits longer with each attempt, up to max_delay', () => {
    const delays = Array.from({ length: 6 }, () => {
      const delay_ms = lose(refused)
      clock.advance(delay_ms)
      return delay_ms
    })
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000])
    expect(reconnector.attempts).toBe(6)
    expect(again_ms).toHaveLength(6)
  })

  it('may reconnect without a delay', () => {
    random = 0
    expect(lose()).toBe(0)
    expect(again_ms).toEqual([])
    clock.advance(0)
    expect(again_ms).toEqual([0])
  })

  it('draws a random delay below the bound by default', () => {
    const other = new Reconnector(
      { ...settings, min_delay: 10, max_delay: 10 },
      { clock },
      {
        url: () => '',
        waiting: (_info, _error, wait_ms) => {
          delay_ms = wait_ms
        },
        reconnect: () => {},
        report: () => {},
      },
    )
    other.allows(lost, undefined)
    other.lost(undefined, lost, undefined)
    expect(Number.isInteger(delay_ms) && delay_ms >= 0 && delay_ms < 10).toBe(true)
    other.stop()
  })

  describe('waking up', () => {
    it('ends the wait within a second, at random, and reconnects exactly once', () => {
      clock.advance(lose())
      expect(lose()).toBe(1_000)
      random = 0.25
      come_online()
      clock.advance(249)
      expect(again_ms).toHaveLength(1)
      clock.advance(1)
      expect(again_ms).toEqual([500, 750])
      expect(clock.timers).toBe(0)
      come_online()
      clock.advance(100_000)
      expect(again_ms).toHaveLength(2)
    })

    it('does not end a wait before the time that the server asked for', () => {
      expect(lose(closed(with_retry_hint('', 60_000)))).toBe(60_000)
      clock.advance(10_000)
      come_online()
      clock.advance(49_999)
      expect(again_ms).toEqual([])
      clock.advance(1)
      expect(again_ms).toEqual([60_000])
    })

    it('does nothing without a wait', () => {
      reconnector.wake()
      expect(clock.timers).toBe(0)
      clock.advance(lose())
      reconnector.wake()
      clock.advance(10_000)
      expect(again_ms).toEqual([500])
    })
  })

  it('needs no platform that knows whether there is a network', () => {
    start({}, false)
    lose()
    clock.advance(500)
    expect(again_ms).toEqual([500])
  })

  it('hurries once: the next attempt follows without a delay, as the first one', () => {
    clock.advance(lose())
    clock.advance(lose(refused))
    reconnector.hurry()
    reconnector.lost(undefined, lost, undefined)
    expect([delay_ms, reconnector.attempts]).toEqual([0, 1])
    clock.advance(0)
    expect(lose(refused)).toBe(1_000)
  })

  describe('retries', () => {
    const final: CloseInfo = { ...closed(''), code: 4401 }

    it('tries again although the server is final, with its delay', () => {
      start({ retries: ({ code }) => code === 4401 })
      expect(lose(final)).toBe(500)
      expect(reconnector.allows(lost, undefined)).toBe(false)
      expect(reconnector.gave_up).toBeUndefined()
    })

    it('leaves it to the default with undefined, and with anything else that is no boolean', () => {
      for (const answer of [undefined, Promise.resolve(true), 1] as undefined[]) {
        start({ retries: () => answer })
        expect(reconnector.allows(final, undefined)).toBe(false)
        expect(lose()).toBe(500)
      }
    })

    it('gets how it ended, and the error', () => {
      const asked: unknown[] = []
      start({ retries: (...args) => void asked.push(args) })
      const error = refused_for('1')
      lose(refused, error)
      expect(asked).toEqual([[refused, error]])
    })

    it('is reported if it throws, and the default holds', () => {
      start({
        retries: () => {
          throw new Error('a test throws this')
        },
      })
      expect(lose()).toBe(500)
      expect(reconnector.allows(final, undefined)).toBe(false)
      expect(reports.map(({ code, message }) => `${code} ${message}`)).toEqual(
        Array(2).fill('handler_failed retries failed: a test throws this'),
      )
    })

    it('does not go beyond max_attempts', () => {
      start({ retries: () => true, max_attempts: 1 })
      lose(final)
      expect(reconnector.allows(final, undefined)).toBe(false)
      expect(reconnector.gave_up).toBe('gave up after max_attempts, 1')
    })
  })

  describe('1012 and 1013 without a hint', () => {
    it.each([1012, 1013])('spread the first attempt over 5 s: %i', code => {
      expect(lose({ ...closed(''), code })).toBe(2_500)
      expect(lose({ ...closed(''), code })).toBe(1_000)
    })

    it('stay below max_delay', () => {
      start({ max_delay: 3_000 })
      expect(lose({ ...closed(''), code: 1012 })).toBe(1_500)
    })

    it('mean the hint alone if there is one', () => {
      expect(lose({ ...closed(with_retry_hint('', 7)), code: 1012 })).toBe(500)
    })
  })

  describe('offline', () => {
    it('makes no attempt, and one within a second when the network is back', () => {
      lose()
      is_offline = true
      clock.advance(1_000_000)
      expect([again_ms, clock.timers]).toEqual([[], 0])
      come_online()
      clock.advance(1_000_000)
      expect(again_ms).toEqual([1_000_500])
      expect(clock.timers).toBe(0)
    })

    it('goes on when it is woken up before that', () => {
      lose()
      is_offline = true
      reconnector.wake()
      clock.advance(1_000)
      expect(again_ms).toEqual([])
      come_online()
      clock.advance(500)
      expect(again_ms).toEqual([1_500])
    })

    it('waits no longer once it is stopped', () => {
      lose()
      is_offline = true
      clock.advance(500)
      reconnector.stop()
      come_online()
      expect([again_ms, clock.timers]).toEqual([[], 0])
    })

    it('counts no failed attempt, not even the last one', () => {
      start({ max_attempts: 2 })
      clock.advance(lose())
      clock.advance(lose(refused))
      expect(reconnector.attempts).toBe(2)
      is_offline = true
      expect(lose(refused)).toBe(1_000)
      expect(reconnector.attempts).toBe(2)
      come_online()
      clock.advance(500)
      expect(again_ms).toHaveLength(3)
      expect(reconnector.allows(refused, undefined)).toBe(false)
    })

    it('counts the attempt after a loss, but not the first connection', () => {
      start({ max_attempts: 1 })
      is_offline = true
      lose(refused)
      expect(reconnector.attempts).toBe(1)
      start({ max_attempts: 1 })
      lose()
      expect(reconnector.attempts).toBe(1)
    })

    it('continues attempts to this machine, and counts none that failed', () => {
      start({ max_attempts: 2 })
      is_offline = is_local = true
      for (let i = 0; i < 5; i += 1) clock.advance(lose(refused))
      expect(again_ms).toHaveLength(5)
      is_offline = false
      clock.advance(lose(refused))
      expect(reconnector.allows(refused, undefined)).toBe(false)
    })

    it('a server that refused for good is still final', () => {
      is_offline = true
      const error = new NetError('handshake_refused', 'no', { cause: { status: 401, headers: {} } })
      expect(reconnector.allows(refused, error)).toBe(false)
    })
  })

  describe('a hint of the server', () => {
    it('is the minimum of the delay', () => {
      const ending: CloseInfo = {
        ...lost,
        code: 1012,
        reason: with_retry_hint('', 5_000),
        cause: 'peer',
        clean: true,
      }
      expect(lose(ending)).toBe(5_000)
      clock.advance(4_999)
      expect(again_ms).toEqual([])
      clock.advance(1)
      expect(again_ms).toEqual([5_000])
    })

    it.each([
      ['by a Close', closed(with_retry_hint('', 3_600_001)), undefined, 3_600_000],
      ['by a Close of an hour', closed(with_retry_hint('', 3_600_000)), undefined, 3_600_000],
      ['by seconds of a refusal', refused, refused_for('86400'), 3_600_500],
      ['by a date of a refusal', refused, refused_for('Fri, 31 Dec 9999 23:59:59 GMT'), 3_600_500],
      ['by more seconds than there are numbers', refused, refused_for('9'.repeat(400)), 3_600_500],
    ])('delays a client for at most an hour: %s', (_, ending, error, expected_ms) => {
      expect(lose(ending, error)).toBe(expected_ms)
    })

    it('does not shorten a delay', () => {
      const ending: CloseInfo = {
        ...lost,
        code: 1012,
        reason: with_retry_hint('', 1),
        cause: 'peer',
        clean: true,
      }
      expect(lose(ending)).toBe(500)
    })

    it('of a refusal is the same for all clients, so a random delay is added', () => {
      const cause = { status: 503, headers: { 'retry-after': '7' } }
      const error = new NetError('handshake_refused', 'full', { cause })
      expect(lose(refused, error)).toBe(7_500)
      random = 0.25
      expect(lose(refused, error)).toBe(7_500)
      random = 0
      expect(lose(refused, error)).toBe(7_000)
    })
  })

  describe('allows', () => {
    it('at most max_attempts in a row', () => {
      start({ max_attempts: 2 })
      for (let i = 0; i < 2; i += 1) clock.advance(lose(refused))
      expect(reconnector.allows(refused, undefined)).toBe(false)
      expect(reconnector.attempts).toBe(2)
    })

    it('no attempt after a final close code or status', () => {
      expect(reconnector.allows({ ...closed(''), code: 1000 }, undefined)).toBe(false)
      const error = new NetError('handshake_refused', 'no', { cause: { status: 401, headers: {} } })
      expect(reconnector.allows(refused, error)).toBe(false)
    })

    it('attempts anew after a connection that lasted as long as max_delay', () => {
      start({ max_attempts: 2 })
      clock.advance(lose())
      clock.advance(lose(refused))
      reconnector.opened()
      clock.advance(8_000)
      expect(lose()).toBe(500)
      expect(reconnector.attempts).toBe(1)
    })

    it('no more attempts after a connection that did not last', () => {
      start({ max_attempts: 2 })
      clock.advance(lose())
      clock.advance(lose(refused))
      reconnector.opened()
      clock.advance(7_999)
      expect(reconnector.allows(lost, undefined)).toBe(false)
    })

    it('growing delays if each connection is lost at once', () => {
      const delays = Array.from({ length: 4 }, () => {
        const delay_ms = lose()
        clock.advance(delay_ms)
        reconnector.opened()
        clock.advance(10)
        return delay_ms
      })
      expect(delays).toEqual([500, 1_000, 2_000, 4_000])
    })

    it('does not count the time of an earlier connection', () => {
      reconnector.opened()
      clock.advance(1)
      clock.advance(lose())
      clock.advance(20_000)
      expect(lose(refused)).toBe(1_000)
    })
  })

  describe('stop', () => {
    it('cancels a pending reconnect', () => {
      lose()
      reconnector.stop()
      expect(clock.timers).toBe(0)
      clock.advance(100_000)
      come_online()
      expect(again_ms).toEqual([])
    })

    it('has no effect without a pending reconnect', () => {
      reconnector.stop()
      lose()
      clock.advance(500)
      reconnector.stop()
      reconnector.stop()
      expect(again_ms).toEqual([500])
    })
  })
})
