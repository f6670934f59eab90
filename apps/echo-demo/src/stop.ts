import { say_error } from './print.js'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** The error codes of writes whose reader is gone: a closed pipe or a closed terminal. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO'])

/**
 * Calls `stop` once: at the first Ctrl-C or SIGTERM, when the reader of the output is gone (`| head -1`), or
 * when the output can't be written, as on a full disk, which is reported and sets the exit code to 1. The
 * next signal ends the process at once, as it would by default. Returns a function that says whether `stop`
 * was called.
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
      if (!READER_GONE.has(error.code)) {
        if (stream === process.stdout && !is_stopping)
          say_error(`the output can't be written: ${error.message}`)
        process.exitCode = 1
      }
      stop_once()
    })
  }
  return () => is_stopping
}
