import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { DescriptorMonitor } from '../../src/http/descriptor_monitor.js'

function start_monitor(code: () => string | undefined) {
  const clock = new FakeClock()
  const reported: string[] = []
  const checked_at_ms: number[] = []
  const monitor = new DescriptorMonitor(
    clock,
    error => reported.push(`${error.code}: ${error.message}`),
    () => {
      checked_at_ms.push(clock.now_ms())
      const thrown = code()
      if (thrown !== undefined) throw Object.assign(new Error(`${thrown}: too many`), { code: thrown })
    },
  )
  return { clock, reported, checked_at_ms, monitor }
}

describe('DescriptorMonitor', () => {
  it('reports nothing while descriptors are left', () => {
    const reported: unknown[] = []
    const monitor = new DescriptorMonitor(new FakeClock(), error => reported.push(error))
    monitor.on_connection()
    monitor.stop()
    expect(reported).toEqual([])
  })

  it.each(['EMFILE', 'ENFILE'])('reports %s at most once a minute', code => {
    const { clock, reported, monitor } = start_monitor(() => code)
    for (let index = 0; index < 100; index += 1) monitor.on_connection()
    expect(reported).toHaveLength(1)
    expect(reported[0]).toMatch(/^server_failed: .*no file descriptor is left.*ulimit -n.*max_connections/)
    clock.advance(59_999)
    monitor.on_connection()
    expect(reported).toHaveLength(1)
    clock.advance(1)
    monitor.on_connection()
    expect(reported).toHaveLength(2)
  })

  it('checks at the first connection of a burst, ten times a second during it, and once after the last', () => {
    const { clock, checked_at_ms, monitor } = start_monitor(() => undefined)
    clock.advance(1_000)
    for (let index = 0; index < 250; index += 1) {
      monitor.on_connection()
      clock.advance(1)
    }
    clock.advance(1_000)
    expect(checked_at_ms).toEqual([1_000, 1_100, 1_200, 1_300])
  })

  it('reports after a burst that used the last descriptor, even without another connection', () => {
    let code: string | undefined
    const { clock, reported, monitor } = start_monitor(() => code)
    monitor.on_connection()
    code = 'EMFILE'
    monitor.on_connection()
    expect(reported).toEqual([])
    clock.advance(100)
    expect(reported).toHaveLength(1)
  })

  it('stops checking on request, and leaves no timer', () => {
    const { clock, checked_at_ms, monitor } = start_monitor(() => undefined)
    monitor.on_connection()
    monitor.on_connection()
    monitor.stop()
    expect(clock.timers).toBe(0)
    clock.advance(1_000)
    expect(checked_at_ms).toHaveLength(1)
  })

  it('ignores other errors', () => {
    const { reported, monitor } = start_monitor(() => 'EACCES')
    monitor.on_connection()
    expect(reported).toEqual([])
  })
})
