import { describe, expect, it } from 'vitest'
import { LazySignal } from '../../src/handshake/lazy_signal.js'

describe('LazySignal', () => {
  it('is one signal, however often it is asked for, and is aborted with its reason', () => {
    const late = new LazySignal()
    const { signal } = late
    expect(late.signal).toBe(signal)
    expect(signal.aborted).toBe(false)
    const reason = new Error('over')
    late.abort(reason)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toBe(reason)
  })

  it('is aborted from the start for who asks too late', () => {
    const late = new LazySignal()
    const reason = new Error('over')
    late.abort(reason)
    expect(late.signal.reason).toBe(reason)
  })
})
