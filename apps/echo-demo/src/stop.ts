import { say_error } from './print.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** What writing fails with when nobody reads any more: a pipe that was closed, a terminal that is gone. */
const NOBODY_READS: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/**
 * Calls `stop` once: at the first Ctrl-C or SIGTERM, when nobody reads the output any more (`| head -1`), or when it can't be written, as on a
 * full disk, which is said, and makes the exit code 1. The next signal ends the process at once, as it would without this. Returns what tells
 * whether `stop` was called.
 */
export function on_stop(stop: () => void): () => boolean {
  let is_stopping = false
  const stop_once = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop_once)
    if (is_stopping) return
    is_stopping = true
    stop()
  }
  for (const signal of SIGNALS) process.on(signal, stop_once)
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!NOBODY_READS.has(error.code)) {
        if (stream === process.stdout && !is_stopping)
          say_error(`the output can't be written: ${error.message}`)
        process.exitCode = 1
      }
      stop_once()
    })
  }
  return () => is_stopping
}
