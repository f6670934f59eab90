import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { type Clock, NetError } from '@bt/ws-protocol'

/** How often it is said that there is none left, at most. */
const SAID_EVERY_MS = 60_000

/**
 * Makes what is to be called for each TCP connection that was accepted: it reports when that was the last one for which the process had a
 * file descriptor. Node ends those that come then without a word to anybody. `take_one` throws when there is none.
 */
export function watch_descriptors(
  clock: Clock,
  report: (error: NetError) => void,
  take_one: () => void = take_and_give_back,
): () => void {
  let silent_until_ms = clock.now_ms()
  return () => {
    const now_ms = clock.now_ms()
    if (now_ms < silent_until_ms) return
    const cause = why_none_left(take_one)
    if (cause === undefined) return
    silent_until_ms = now_ms + SAID_EVERY_MS
    report(none_left(cause))
  }
}

/** To try is the only way to know; it takes some microseconds. */
function take_and_give_back(): void {
  closeSync(openSync(devNull, 'r'))
}

function why_none_left(take_one: () => void): Error | undefined {
  try {
    take_one()
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EMFILE' || code === 'ENFILE' ? (error as Error) : undefined
  }
}

function none_left(cause: Error): NetError {
  const message = `listen: no file descriptor is left, so who connects now is turned away without an answer; raise the limit (ulimit -n), or lower max_connections (${cause.message})`
  return new NetError('server_failed', message, { cause })
}
