import { describe, expect, it, vi } from 'vitest'
import { type AbortSignalLike, close_on_abort } from '../src/abort.js'

/** Counts who listens to a signal. */
function counted(signal: AbortSignal): AbortSignalLike & { listeners: number } {
  return {
    listeners: 0,
    aborted: signal.aborted,
    addEventListener(type, listener) {
      this.listeners += 1
      signal.addEventListener(type, listener)
    },
    removeEventListener(type, listener) {
      this.listeners -= 1
      signal.removeEventListener(type, listener)
    },
  }
}

const never = new Promise<void>(() => {})

describe('close_on_abort', () => {
  it('closes when the signal is aborted, and hands on no event', () => {
    const controller = new AbortController()
    const close = vi.fn()
    close_on_abort(controller.signal, close, never)
    expect(close).not.toHaveBeenCalled()
    controller.abort()
    expect(close.mock.calls).toEqual([[]])
  })

  it('closes at once, and listens to nothing, when the signal was aborted before', () => {
    const signal = counted(AbortSignal.abort())
    const close = vi.fn()
    close_on_abort(signal, close, never)
    expect(close).toHaveBeenCalledTimes(1)
    expect(signal.listeners).toBe(0)
  })

  it('lets go of the signal when everything has closed', async () => {
    const signal = counted(new AbortController().signal)
    const closed = Promise.resolve()
    close_on_abort(signal, () => {}, closed)
    expect(signal.listeners).toBe(1)
    await closed
    expect(signal.listeners).toBe(0)
  })

  it('listens once to a signal that many follow, until the last of them has closed', async () => {
    const controller = new AbortController()
    const signal = counted(controller.signal)
    const closes = [vi.fn(), vi.fn(), vi.fn()]
    const first_closed = Promise.resolve()
    close_on_abort(signal, closes[0] as () => void, first_closed)
    close_on_abort(signal, closes[1] as () => void, never)
    close_on_abort(signal, closes[2] as () => void, never)
    expect(signal.listeners).toBe(1)
    await first_closed
    expect(signal.listeners).toBe(1)
    controller.abort()
    expect(closes.map(close => close.mock.calls.length)).toEqual([0, 1, 1])
  })

  it('does nothing without a signal', () => {
    const close = vi.fn()
    close_on_abort(undefined, close, never)
    expect(close).not.toHaveBeenCalled()
  })
})
