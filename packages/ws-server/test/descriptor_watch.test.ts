import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { watch_descriptors } from '../src/descriptor_watch.js'

function watch(code: () => string | undefined) {
  const clock = new FakeClock()
  const told: string[] = []
  const accepted = watch_descriptors(
    clock,
    error => told.push(`${error.code}: ${error.message}`),
    () => {
      const thrown = code()
      if (thrown !== undefined) throw Object.assign(new Error(`${thrown}: too many`), { code: thrown })
    },
  )
  return { clock, told, accepted }
}

describe('watch_descriptors', () => {
  it('says nothing while there are descriptors', () => {
    const told: unknown[] = []
    watch_descriptors(new FakeClock(), error => told.push(error))()
    expect(told).toEqual([])
  })

  it.each(['EMFILE', 'ENFILE'])('says once a minute at most that none is left, for %s', code => {
    const { clock, told, accepted } = watch(() => code)
    for (let index = 0; index < 100; index += 1) accepted()
    expect(told).toHaveLength(1)
    expect(told[0]).toMatch(/^server_failed: .*no file descriptor is left.*ulimit -n.*max_connections/)
    clock.advance(59_999)
    accepted()
    expect(told).toHaveLength(1)
    clock.advance(1)
    accepted()
    expect(told).toHaveLength(2)
  })

  it('takes another failure for none of its business', () => {
    const { told, accepted } = watch(() => 'EACCES')
    accepted()
    expect(told).toEqual([])
  })
})
