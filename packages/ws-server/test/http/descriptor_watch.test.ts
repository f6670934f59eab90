import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { DescriptorWatch } from '../../src/http/descriptor_watch.js'

function watched(code: () => string | undefined) {
  const clock = new FakeClock()
  const told: string[] = []
  const tried_at_ms: number[] = []
  const watch = new DescriptorWatch(
    clock,
    error => told.push(`${error.code}: ${error.message}`),
    () => {
      tried_at_ms.push(clock.now_ms())
      const thrown = code()
      if (thrown !== undefined) throw Object.assign(new Error(`${thrown}: too many`), { code: thrown })
    },
  )
  return { clock, told, tried_at_ms, watch }
}

describe('DescriptorWatch', () => {
  it('says nothing while there are descriptors', () => {
    const told: unknown[] = []
    const watch = new DescriptorWatch(new FakeClock(), error => told.push(error))
    watch.accepted()
    watch.stop()
    expect(told).toEqual([])
  })

  it.each(['EMFILE', 'ENFILE'])('says once a minute at most that none is left, for %s', code => {
    const { clock, told, watch } = watched(() => code)
    for (let index = 0; index < 100; index += 1) watch.accepted()
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/^server_failed: .*no file descriptor is left.*ulimit -n.*max_connections/)
    clock.advance(59_999)
    watch.accepted()
    expect(told).toHaveLength(1)
    clock.advance(1)
    watch.accepted()
    expect(told).toHaveLength(2)
  })

  it('tries at the first connection of a rush, ten times a second during it, and once after the last', () => {
    const { clock, tried_at_ms, watch } = watched(() => undefined)
    clock.advance(1_000)
    for (let index = 0; index < 250; index += 1) {
      watch.accepted()
      clock.advance(1)
    }
    clock.advance(1_000)
    expect(tried_at_ms).toEqual([1_000, 1_100, 1_200, 1_300])
  })

  it('tells of a last descriptor that was taken in a rush, though nobody comes in after it', () => {
    let code: string | undefined
    const { clock, told, watch } = watched(() => code)
    watch.accepted()
    code = 'EMFILE'
    watch.accepted()
    expect(told).toEqual([])
    clock.advance(100)
    expect(told).toHaveLength(1)
  })

  it('is still when it is stopped, and leaves no timer behind', () => {
    const { clock, tried_at_ms, watch } = watched(() => undefined)
    watch.accepted()
    watch.accepted()
    watch.stop()
    expect(clock.timers).toBe(0)
    clock.advance(1_000)
    expect(tried_at_ms).toHaveLength(1)
  })

  it('takes another failure for none of its business', () => {
    const { told, watch } = watched(() => 'EACCES')
    watch.accepted()
    expect(told).toEqual([])
  })
})
