const HINT = /(?:^|; )retry_after_ms=(\d{1,10})$/

/** Appends to the reason of a Close how many milliseconds the client should wait before it reconnects. */
export function with_retry_hint(reason: string, wait_ms: number): string {
  return `${reason === '' ? '' : `${reason}; `}retry_after_ms=${wait_ms}`
}

/** Reads what {@link with_retry_hint} wrote; `undefined` if there is none. */
export function read_retry_hint(reason: string): number | undefined {
  const [, wait_ms] = HINT.exec(reason) ?? []
  return wait_ms === undefined ? undefined : Number(wait_ms)
}
