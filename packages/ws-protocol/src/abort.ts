/** What is used of an `AbortSignal`, of whatever platform. */
export interface AbortSignalLike {
  /** Whether it was aborted already. */
  readonly aborted: boolean
  /** Registers for the abort. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Takes the registration back. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Runs `close` when `signal` is aborted, or was before; lets go of the signal when `closed` has settled. */
export function close_on_abort(
  signal: AbortSignalLike | undefined,
  close: () => void,
  closed: Promise<unknown>,
): void {
  if (signal?.aborted) close()
  else if (signal !== undefined) {
    // A function of this call's own: two that are the same would count as one.
    const listener = (): void => close()
    signal.addEventListener('abort', listener)
    closed.then(() => signal.removeEventListener('abort', listener))
  }
}
