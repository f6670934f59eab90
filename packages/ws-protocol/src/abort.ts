import { NetError } from './errors.js'

/** What is used of an `AbortSignal`, of whatever platform. */
export interface AbortSignalLike {
  /** Whether it was aborted already. */
  readonly aborted: boolean
  /** Registers for the abort. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Takes the registration back. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Runs `close` when `signal` is aborted, or was before; lets go of the signal when `closed` has settled.
 *
 * @throws NetError `invalid_option` when it is no signal but in name, and throws; then `close` was run
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
