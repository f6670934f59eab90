import { describe, expect, it } from 'vitest'
import { LazySignal } from '../../src/handshake/lazy_signal.js'

describe('LazySignal', () => {
  it('is the same signal for every read, and is aborted with the reason', () => {
    const late = new LazySignal()
    const { signal } = late
    expect(late.signal).toBe(signal)
    expect(signal.aborted).toBe(false)
    const reason = new Error('over')
    late.abort(reason)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(reason)
  })

  it('is aborted already if it is first read after the abort', () => {
    const late = new LazySignal()
    const reason = new Error('over')
    late.abort(reason)
    expect(late.signal.reason).toBe(reason)
  })
})
