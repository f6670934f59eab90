import { deferred } from '@bt/test-support/deferred'
import { describe, expect, it, vi } from 'vitest'
import { type AbortSignalLike, close_on_abort } from '../../src/options/abort.js'

/** A signal that records its listeners. */
function watched(signal: AbortSignal): AbortSignalLike & { readonly listeners: Set<() => void> } {
  const listeners = new Set<() => void>()
  return {
    listeners,
    aborted: signal.aborted,
    addEventListener(type, listener) {
      listeners.add(listener)
      signal.addEventListener(type, listener)
    },
    removeEventListener(type, listener) {
      listeners.delete(listener)
      signal.removeEventListener(type, listener)
    },
  }
}

const never = new Promise<void>(() => {})

describe('close_on_abort', () => {
  it('closes when the signal is aborted, without passing the event', () => {
    const controller = new AbortController()
    const close = vi.fn()
    close_on_abort(controller.signal, close, never)
    expect(close).not.toHaveBeenCalled()
    controller.abort()
    expect(close.mock.calls).toEqual([[]])
  })

  it('closes at once, without listening, if the signal was aborted before', () => {
    const signal = watched(AbortSignal.abort())
    const close = vi.fn()
    close_on_abort(signal, close, never)
    expect(close.mock.calls).toEqual([[]])
    expect(signal.listeners.size).toBe(0)
  })

  it('removes its listener when everything has closed', async () => {
    const controller = new AbortController()
    const signal = watched(controller.signal)
    const close = vi.fn()
    const closed = Promise.resolve()
    close_on_abort(signal, close, closed)
    expect(signal.listeners.size).toBe(1)
    await closed
    expect(signal.listeners.size).toBe(0)
    controller.abort()
    expect(close).not.toHaveBeenCalled()
  })

  it('listens until everything has closed, even after the abort', async () => {
    const controller = new AbortController()
    const signal = watched(controller.signal)
    const { promise: closed, resolve: has_closed } = deferred()
    close_on_abort(signal, () => {}, closed)
    controller.abort()
    has_closed()
    await closed
    expect(signal.listeners.size).toBe(0)
  })

  it('listens for each of several connections with one signal, and removes only the listeners of closed ones', async () => {
    const controller = new AbortController()
    const signal = watched(controller.signal)
    const closes = [vi.fn(), vi.fn(), vi.fn()] as const
    const first_closed = Promise.resolve()
    close_on_abort(signal, closes[0], first_closed)
    close_on_abort(signal, closes[1], never)
    close_on_abort(signal, closes[2], never)
    expect(signal.listeners.size).toBe(3)
    await first_closed
    expect(signal.listeners.size).toBe(2)
    controller.abort()
    expect(closes.map(close => close.mock.calls.length)).toEqual([0, 1, 1])
  })

  it('keeps two calls with the same close apart: when one has closed, the other still listens', async () => {
    const controller = new AbortController()
    const close = vi.fn()
    const first_closed = Promise.resolve()
    close_on_abort(controller.signal, close, first_closed)
    close_on_abort(controller.signal, close, never)
    await first_closed
    controller.abort()
    expect(close).toHaveBeenCalledTimes(1)
  })

  it('does nothing without a signal', () => {
    const close = vi.fn()
    close_on_abort(undefined, close, never)
    expect(close).not.toHaveBeenCalled()
  })

  it('closes and passes the error on if an imitation of a signal throws', () => {
    const boom = (): never => {
      throw new Error('boom')
    }
    const close = vi.fn()
    const signal = { aborted: false, addEventListener: boom, removeEventListener: boom }
    expect(() => close_on_abort(signal, close, never)).toThrow('boom')
    expect(close.mock.calls).toEqual([[]])
  })

  it('accepts a signal that throws when its listener is removed', async () => {
    const let_go = vi.fn(() => {
      throw new Error('boom')
    })
    const closed = Promise.resolve()
    close_on_abort(
      { aborted: false, addEventListener: () => {}, removeEventListener: let_go },
      vi.fn(),
      closed,
    )
    await closed
    expect(let_go).toHaveBeenCalledOnce()
  })
})
