import { NetError, type NetErrorCode } from './errors.js'

const MAX_SHOWN = 10
const INTERVAL_MS = 60_000

/**
 * Limits warnings about errors that have no `on_error`: a peer can cause any number, and writing one takes
 * time. Shows the first ten of each code within a minute, and then the number of further ones. `start_timer`
 * should not keep the process alive.
 */
export function limit_warnings(
  show: (error: NetError) => void,
  start_timer: (task: () => void, after_ms: number) => unknown,
): (error: NetError) => void {
  const counts: Partial<Record<NetErrorCode, number>> = {}
  return error => {
    const { code } = error
    const before = counts[code] ?? 0
    const note = (further: unknown): void =>
      show(new NetError(code, `further errors with this code: ${further}`))
    counts[code] = before + 1
    if (before === 0)
      start_timer(() => {
        const further = (counts[code] as number) - MAX_SHOWN
        counts[code] = 0
        if (further > 0) note(further)
      }, INTERVAL_MS)
    if (before < MAX_SHOWN) show(error)
    else if (before === MAX_SHOWN) note('counted for a minute')
  }
}
