import type { NetworkInterfaceInfo } from 'node:os'
import { NetError } from '@bt/ws-protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { NetworkWatch, network_watch } from '../../src/node/network_watch.js'

const loopback = { internal: true } as NetworkInterfaceInfo
const ethernet = { internal: false } as NetworkInterfaceInfo

/** The error of an attempt that failed with a code of the system. */
const failed = (code: string): NetError =>
  new NetError('handshake_failed', 'no', { cause: Object.assign(new Error(code), { code }) })
const unreachable = failed('ENETUNREACH')

describe('NetworkWatch', () => {
  let interfaces: NetworkInterfaceInfo[]
  let now_ms: number
  /** The timers that run. */
  let timers: (() => void)[]
  let watch: NetworkWatch
  let wakeups: number
  let keeps_alive: boolean

  /** Lets the timer run after this time. */
  const tick = (after_ms = 1_000): void => {
    now_ms += after_ms
    for (const task of timers) task()
  }
  const wake = (): void => {
    wakeups += 1
  }

  beforeEach(() => {
    interfaces = [loopback]
    now_ms = 1_000_000
    timers = []
    wakeups = 0
    keeps_alive = false
    watch = new NetworkWatch({
      interfaces: () => ({ all: interfaces }),
      now_ms: () => now_ms,
      every(_ms, task) {
        timers.push(task)
        return {
          keep_alive: is_kept => {
            keeps_alive = is_kept
          },
          stop: () => void timers.splice(timers.indexOf(task), 1),
        }
      },
    })
  })

  it.each(['ENETUNREACH', 'ENETDOWN', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])(
    'is offline if there are only internal interfaces, and an attempt failed with %s',
    code => {
      expect(watch.is_offline(failed(code))).toBe(true)
      interfaces = [loopback, ethernet]
      expect(watch.is_offline(failed(code))).toBe(false)
    },
  )

  it.each([
    ['no failure', undefined],
    ['a refusal', failed('ECONNREFUSED')],
    ['a failure without a code', new NetError('connect_timeout', 'slow')],
    ['a refusal by the server', new NetError('handshake_refused', 'no', { cause: { status: 503 } })],
  ])('is not offline because of %s', (_, error) => {
    expect(watch.is_offline(error)).toBe(false)
  })

  it('is not offline where the interfaces are not shown', () => {
    interfaces = []
    expect(watch.is_offline(unreachable)).toBe(false)
  })

  it('finds the code among those of several addresses', () => {
    const errors = ['ENETUNREACH', 'ENETUNREACH'].map(code => Object.assign(new Error(code), { code }))
    const error = new NetError('handshake_failed', 'no', { cause: new AggregateError(errors) })
    expect(watch.is_offline(error)).toBe(true)
  })

  it('finds the code behind the failure of a function, such as the fetch of a token', () => {
    const wrapped = (cause: unknown): Error => new TypeError('fetch failed', { cause })
    const token_failed = (cause: unknown): NetError =>
      new NetError('option_failed', 'no token', { cause: wrapped(wrapped(cause)) })
    expect(watch.is_offline(token_failed(unreachable.cause))).toBe(true)
    expect(watch.is_offline(token_failed(failed('ECONNREFUSED').cause))).toBe(false)
    const circular = wrapped(undefined)
    circular.cause = circular
    expect(watch.is_offline(token_failed(circular))).toBe(false)
  })

  it.each([
    ['ws://host/', true],
    ['wss://10.0.0.1:8443/', true],
    ['', true],
    ['ws://localhost:81/', false],
    ['ws://127.0.0.1/', false],
    ['ws://[::1]/', false],
    ['ws+unix:/tmp/socket:/ws', false],
  ])('is cut off from %j when offline: %s', (url, is_cut_off) => {
    expect(watch.is_cut_off(url, unreachable)).toBe(is_cut_off)
    expect(watch.is_cut_off(url, undefined)).toBe(false)
  })

  it('wakes everybody when the network is back, once', () => {
    watch.watch_wakeups(wake)
    watch.watch_wakeups(wake)
    watch.is_offline(unreachable)
    tick()
    expect(wakeups).toBe(0)
    interfaces = [loopback, ethernet]
    tick()
    expect(wakeups).toBe(2)
    tick()
    expect(wakeups).toBe(2)
  })

  it('does not wake anybody because of a network that nobody missed', () => {
    watch.watch_wakeups(wake)
    tick()
    interfaces = [loopback, ethernet]
    tick()
    expect(wakeups).toBe(0)
  })

  it('keeps the process alive until the network is back, since nothing else may', () => {
    watch.watch_wakeups(wake)
    expect(keeps_alive).toBe(false)
    watch.is_cut_off('ws://host/', unreachable)
    expect(keeps_alive).toBe(true)
    interfaces = [loopback, ethernet]
    tick()
    expect(keeps_alive).toBe(false)
  })

  it('wakes everybody when the clock has jumped, and not when a tick is a little late', () => {
    watch.watch_wakeups(wake)
    tick(5_000)
    expect(wakeups).toBe(0)
    tick(5_001)
    expect(wakeups).toBe(1)
    tick(90_000)
    expect(wakeups).toBe(2)
    tick(-10_000)
    expect(wakeups).toBe(2)
  })

  it('has one timer, while anybody watches', () => {
    const stops = [watch.watch_wakeups(wake), watch.watch_wakeups(wake)]
    expect(timers).toHaveLength(1)
    stops[0]?.()
    stops[0]?.()
    tick(10_000)
    expect([timers.length, wakeups]).toEqual([1, 1])
    stops[1]?.()
    expect(timers).toEqual([])
    // Time that passes meanwhile is not missed.
    now_ms += 90_000
    watch.watch_wakeups(wake)
    tick()
    expect(wakeups).toBe(1)
  })

  it('reads the interfaces of this machine', () => {
    expect(typeof network_watch.is_offline(unreachable)).toBe('boolean')
    const stop = network_watch.watch_wakeups(() => {})
    expect(stop()).toBeUndefined()
  })
})
