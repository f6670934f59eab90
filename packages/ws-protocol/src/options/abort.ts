import { NetError } from '../errors/errors.js'

/** The parts of an `AbortSignal` that are used, on any platform. */
export interface AbortSignalLike {
  /** Whether it is aborted already. */
  readonly aborted: boolean
  /** Adds a listener for the abort. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Removes the listener. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Calls `close` when `signal` aborts, or at once if it has already; lets go of the signal when `closed` settles.
 *
 * @throws NetError `invalid_option` if it is a signal in name only, and throws; `close` was called by then
 */
export function close_on_abort(
  signal: AbortSignalLike | undefined,
  close: () => void,
  closed: Promise<unknown>,
): void {
  if (signal === undefined) return
  // A function of this call's own: two that are the same would count as one.
  const listener = (): void => close()
  try {
    if (signal.aborted) close()
    else {
      signal.addEventListener('abort', listener)
      // One that does not let go harms nobody: the listener is never called again.
      closed.then(() => signal.removeEventListener('abort', listener)).catch(() => {})
    }
  } catch (cause) {
    close()
    throw new NetError('invalid_option', 'the option signal throws when it is used: give an AbortSignal', {
      cause,
    })
  }
}
