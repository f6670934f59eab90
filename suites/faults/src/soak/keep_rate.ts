/** How often it is checked which calls are due. */
const TICK_MS = 20

/**
 * Calls `action` at a rate of `per_second`, however late the timer fires. Returns a function that stops it.
 */
export function keep_rate(per_second: number, action: () => void): () => void {
  const started_ms = performance.now()
  let done = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - started_ms) / 1_000) * per_second
    // After a pause of more than a second, the missed calls are dropped rather than made in a burst.
    if (due - done > per_second) done = due - per_second
    for (; done < due; done += 1) action()
  }, TICK_MS)
  return () => clearInterval(timer)
}
