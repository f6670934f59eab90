import { describe_cause, NetError } from '../errors/errors.js'
import type { ConnectionEvent } from './events.js'
import type { Platform } from './platform.js'

/** Whether a callback returned a promise, of any kind. What throws when asked counts as one: awaiting it tells why. */
export function is_thenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  try {
    return typeof (value as { then?: unknown }).then === 'function'
  } catch {
    return true
  }
}

/**
 * Passes an error to `on_error`, or shows a warning if there is none: an error is never silent. An `on_error` that throws or rejects does no harm,
 * and becomes a warning itself. `about`: the connection that the error is about, for subscribers to the channel of errors.
 */
export function report_error<Reported extends NetError>(
  error: Reported,
  on_error: ((error: Reported) => unknown) | undefined,
  platform: Pick<Platform, 'warn' | 'channels'>,
  about: ConnectionEvent,
): void {
  const channel = platform.channels?.error
  if (channel?.hasSubscribers) channel.publish({ ...about, error })
  if (on_error === undefined) {
    platform.warn(error)
    return
  }
  const on_error_failed = (cause: unknown): void => {
    platform.warn(new NetError('handler_failed', `on_error failed on: ${error.message}`, { cause }))
  }
  one_after_another(() => {
    const call = async (): Promise<unknown> => on_error(error)
    call().catch(on_error_failed)
  })
}

const waiting: (() => void)[] = []

/** An error that an `on_error` causes, by what it sends, is told after it and not within it: else many could fill the stack. */
function one_after_another(tell: () => void): void {
  // The one that runs stays the first.
  if (waiting.push(tell) > 1) return
  for (; waiting[0] !== undefined; waiting.shift()) waiting[0]()
}

/** Makes the error for a callback that threw, or whose promise was rejected. */
export function callback_error(callback: string, cause: unknown): NetError {
  return new NetError('handler_failed', `${callback} failed: ${describe_cause(cause)}`, { cause })
}
