import { call_at_stop } from '@bt/demo-support/stop'
import { say_error } from './print.js'

/** The error codes of writes to a closed pipe or a closed terminal. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/**
 * Calls `stop` once, like `call_at_stop`. Output that can't be written is reported and sets the exit code to
 * 1, unless its reader has closed it. Returns a function that returns whether `stop` was called.
 */
export function on_stop(stop: () => void): () => boolean {
  return call_at_stop(stop, (error, stream, is_stopping) => {
    if (READER_GONE.has(error.code)) return
    if (stream === process.stdout && !is_stopping) say_error(`the output can't be written: ${error.message}`)
    process.exitCode = 1
  })
}
