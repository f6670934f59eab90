/** What is used of an `AbortSignal`, of whatever platform. */
export interface AbortSignalLike {
  /** Whether it was aborted already. */
  readonly aborted: boolean
  /** Registers for the abort. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Takes the registration back. */
  removeEventListener(type: 'abort', listener: () => void): void
}

interface Followers {
  readonly closes: Set<() => void>
  readonly listener: () => void
}

/** One listener for each signal, however many connections follow it: Node takes many listeners for a leak. */
const followed = new WeakMap<AbortSignalLike, Followers>()

/** Runs `close` when `signal` is aborted, or was before; lets go of the signal when `closed` has settled. */
export function close_on_abort(
  signal: AbortSignalLike | undefined,
  close: () => void,
  closed: Promise<unknown>,
): void {
  if (signal === undefined) return
  if (signal.aborted) {
    close()
    return
  }
  // Each call has a function of its own in the set, whether or not two share a `close`.
  const close_this = (): void => close()
  const { closes, listener } = followers_of(signal)
  closes.add(close_this)
  closed.then(() => {
    closes.delete(close_this)
    if (closes.size > 0 || followed.get(signal)?.closes !== closes) return
    followed.delete(signal)
    signal.removeEventListener('abort', listener)
  })
}

function followers_of(signal: AbortSignalLike): Followers {
  const known = followed.get(signal)
  if (known !== undefined) return known
  const closes = new Set<() => void>()
  const listener = (): void => {
    for (const close of closes) close()
  }
  const followers = { closes, listener }
  followed.set(signal, followers)
  signal.addEventListener('abort', listener)
  return followers
}
