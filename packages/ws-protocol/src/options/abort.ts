/** The parts of an `AbortSignal` that are used here, on any platform. */
export interface AbortSignalLike {
  /** Whether the signal has been aborted. */
  readonly aborted: boolean
  /** Adds a listener for the abort. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Removes the listener. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * The platform's `AbortSignal` if its type is declared, so that it can be passed to `fetch`; otherwise the
 * part of it that is used.
 */
export type PlatformAbortSignal = typeof globalThis extends {
  /** The platform's class. */
  readonly AbortSignal: {
    /** An instance. */
    readonly prototype: infer Signal extends AbortSignalLike
  }
}
  ? Signal
  : AbortSignalLike

/** The parts of an `AbortController` that are used here, on any platform. */
export interface AbortControllerLike {
  readonly signal: PlatformAbortSignal & { readonly reason: unknown }
  abort(reason: unknown): void
}

/**
 * Calls `close` when `signal` aborts, or at once if it has already; removes its listener when `closed`
 * settles.
 */
export function close_on_abort(
  signal: AbortSignalLike | undefined,
  close: () => void,
  closed: Promise<unknown>,
): void {
  if (signal === undefined) return
  // A new function for each call, since adding the same listener twice has no effect.
  const listener = (): void => close()
  try {
    if (signal.aborted) close()
    else {
      signal.addEventListener('abort', listener)
      // A signal that fails to remove its listener does no harm: closing again has no effect.
      closed.then(() => signal.removeEventListener('abort', listener)).catch(() => {})
    }
  } catch (error) {
    // Only an imitation of a signal throws.
    close()
    throw error
  }
}
