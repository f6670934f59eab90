import { describe_cause, NetError } from '../errors/errors.js'
import type { ConnectionEvent } from './events.js'
import type { Platform } from './platform.js'

/**
 * Whether a callback returned a promise, of any kind. A value whose `then` throws when it is read counts as
 * one: awaiting it reports the error.
 */
export function is_thenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return false
  try {
    return typeof (value as { then?: unknown }).then === 'function'
  } catch {
    return true
  }
}

/**
 * Passes an error to `on_error`, or shows it as a warning if there is none, so that no error is silent. If
 * `on_error` throws or rejects, that is shown as a warning, too. `about` is the connection concerned, for
 * subscribers to the channel of errors.
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
  call_in_turn(() => {
    const call = async (): Promise<unknown> => on_error(error)
    call().catch(on_error_failed)
  })
}

const pending_calls: (() => void)[] = []

/**
 * Calls `report` after any call in progress: an `on_error` that causes further errors, by sending, could
 * otherwise overflow the stack.
 */
function call_in_turn(report: () => void): void {
  // The call in progress stays at the head of the list.
  if (pending_calls.push(report) > 1) return
  for (; pending_calls[0] !== undefined; pending_calls.shift()) pending_calls[0]()
}

/** Returns the error for a callback that threw, or whose promise was rejected. */
export function callback_error(callback: string, cause: unknown): NetError {
  return new NetError('handler_failed', `${callback} failed: ${describe_cause(cause)}`, { cause })
}
