import { type CloseInfo, NetError } from '@bt/ws-protocol'
import { type Ending, with_retry_hint } from '@bt/ws-protocol/internal'
import { FakeClock } from '@bt/ws-protocol/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { Reconnector } from '../../src/client/reconnector.js'
import { read_refusal } from '../../src/node/refusal_hint.js'

const lost: Ending = { code: 1006, reason: '', cause: 'network', clean: false }
const refused: Ending = { ...lost, cause: 'refused' }
const closed = (reason: string): Ending => ({ code: 1012, reason, cause: 'peer', clean: true })
const refused_for = (retry_after: string): NetError =>
  new NetError('handshake_refused', 'no', { cause: { status: 503, headers: { 'retry-after': retry_after } } })
const info = (ending: Ending): CloseInfo => ({ ...ending, unsent: 0 })

describe('Reconnector', () => {
  let clock: FakeClock
  /** When it connected again. */
  let again_ms: number[]
  /** The callbacks that wait for the network to come back. */
  let watchers: Set<() => void>
  let random: number
  let is_offline: boolean
  let is_local: boolean
  let reconnector: Reconnector

  const start = (max_attempts = Infinity, has_online = true): void => {
    const platform = {
      clock,
      ...(has_online && {
        is_offline: () => is_offline,
        is_cut_off: () => is_offline && !is_local,
        watch_online: (task: () => void) => {
          watchers.add(task)
          return () => void watchers.delete(task)
        },
      }),
    }
    const settings = { min_delay: 1_000, max_delay: 8_000, max_attempts, url: 'ws://host/ws', read_refusal }
    reconnector = new Reconnector(
      settings,
      platform,
      () => again_ms.push(clock.now_ms()),
      () => random,
    )
  }

  const come_online = (): void => {
    is_offline = false
    for (const task of [...watchers]) task()
  }

  /** Loses the connection, or an attempt, and returns how long the wait is. */
  const lose = (ending: Ending = lost, error?: NetError): number => {
    expect(reconnector.allows(ending, error)).toBe(true)
    return reconnector.wait(info(ending))
  }

  beforeEach(() => {
    clock = new FakeClock()
    again_ms = []
    watchers = new Set()
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
      { min_delay: 10, max_delay: 10, max_attempts: 1, url: 'ws://host/ws' },
      { clock },
      () => {},
    )
    const delay_ms = other.wait(info(lost))
    expect(Number.isInteger(delay_ms) && delay_ms >= 0 && delay_ms < 10).toBe(true)
    other.stop()
  })

  describe('online', () => {
    it('cuts the delay short, and reconnects exactly once', () => {
      lose()
      clock.advance(100)
      come_online()
      expect(again_ms).toEqual([100])
      expect([clock.timers, watchers.size]).toEqual([0, 0])
      come_online()
      clock.advance(100_000)
      expect(again_ms).toEqual([100])
    })

    it('is no longer watched after the delay', () => {
      lose()
      expect(watchers.size).toBe(1)
      clock.advance(500)
      expect(watchers.size).toBe(0)
      come_online()
      expect(again_ms).toEqual([500])
    })

    it('also cuts a delay short that the server asked for', () => {
      expect(lose({ ...lost, code: 1012, reason: with_retry_hint('', 60_000), cause: 'peer' })).toBe(60_000)
      come_online()
      expect(again_ms).toEqual([0])
    })

    it('is optional for a platform', () => {
      start(Infinity, false)
      lose()
      clock.advance(500)
      expect(again_ms).toEqual([500])
    })
  })

  describe('offline', () => {
    it('makes no attempt, and one as soon as the network is back', () => {
      lose()
      is_offline = true
      clock.advance(1_000_000)
      expect([again_ms, clock.timers, watchers.size]).toEqual([[], 0, 1])
      come_online()
      clock.advance(1_000_000)
      expect(again_ms).toEqual([1_000_000])
      expect([clock.timers, watchers.size]).toEqual([0, 0])
    })

    it('waits no longer once it is stopped', () => {
      lose()
      is_offline = true
      clock.advance(500)
      reconnector.stop()
      come_online()
      expect([again_ms, watchers.size]).toEqual([[], 0])
    })

    it('counts no failed attempt, not even the last one', () => {
      start(2)
      clock.advance(lose())
      clock.advance(lose(refused))
      expect(reconnector.attempts).toBe(2)
      is_offline = true
      expect(lose(refused)).toBe(1_000)
      expect(reconnector.attempts).toBe(2)
      come_online()
      expect(again_ms).toHaveLength(3)
      expect(reconnector.allows(refused, undefined)).toBe(false)
    })

    it('counts the attempt after a loss, but not the first connection', () => {
      start(1)
      is_offline = true
      lose(refused)
      expect(reconnector.attempts).toBe(1)
      start(1)
      lose()
      expect(reconnector.attempts).toBe(1)
    })

    it('continues attempts to this machine, and counts none that failed', () => {
      start(2)
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
      const ending: Ending = { code: 1012, reason: with_retry_hint('', 5_000), cause: 'peer', clean: true }
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
      const ending: Ending = { code: 1012, reason: with_retry_hint('', 1), cause: 'peer', clean: true }
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
      start(2)
      for (let i = 0; i < 2; i += 1) clock.advance(lose(refused))
      expect(reconnector.allows(refused, undefined)).toBe(false)
      expect(reconnector.attempts).toBe(2)
    })

    it('no attempt after a final close code or status', () => {
      expect(reconnector.allows({ code: 1000, reason: '', cause: 'peer', clean: true }, undefined)).toBe(
        false,
      )
      const error = new NetError('handshake_refused', 'no', { cause: { status: 401, headers: {} } })
      expect(reconnector.allows(refused, error)).toBe(false)
    })

    it('attempts anew after a connection that lasted as long as max_delay', () => {
      start(2)
      clock.advance(lose())
      clock.advance(lose(refused))
      reconnector.opened()
      clock.advance(8_000)
      expect(lose()).toBe(500)
      expect(reconnector.attempts).toBe(1)
    })

    it('no more attempts after a connection that did not last', () => {
      start(2)
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
      expect([clock.timers, watchers.size]).toEqual([0, 0])
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
