const HINT = /(?:^|; )retry_after_ms=(\d{1,10})$/

/** Appends the time to wait before reconnecting, in milliseconds, to the reason of a Close. */
export function with_retry_hint(reason: string, wait_ms: number): string {
  return `${reason === '' ? '' : `${reason}; `}retry_after_ms=${wait_ms}`
}

/** Returns the time that {@link with_retry_hint} appended, in milliseconds; `undefined` if there is none. */
export function read_retry_hint(reason: string): number | undefined {
  const [, wait_ms] = HINT.exec(reason) ?? []
  return wait_ms === undefined ? undefined : Number(wait_ms)
}
