import { defaultMaxListeners, getMaxListeners, setMaxListeners } from 'node:events'
import type { AbortSignalLike } from '../../options/abort.js'

/**
 * Lets any number of connections listen to one signal, since Node 20 warns of a leak from the eleventh on. A
 * limit set by the user stays.
 */
export function allow_many_listeners(signal: AbortSignalLike | undefined): void {
  if (signal instanceof AbortSignal && has_default_limit(signal)) setMaxListeners(0, signal)
}

function has_default_limit(signal: AbortSignal): boolean {
  try {
    return getMaxListeners(signal) === defaultMaxListeners
  } catch {
    // Node 20 throws if there is no limit.
    return false
  }
}
