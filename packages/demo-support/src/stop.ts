const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Called when output can't be written, before `stop`. `is_stopping`: whether `stop` was called before. */
export type OutputFailed = (
  error: NodeJS.ErrnoException,
  stream: NodeJS.WriteStream,
  is_stopping: boolean,
) => void

/**
 * Calls `stop` once: at the first Ctrl-C or SIGTERM, or when output can't be written because its reader has
 * closed it (`| head -1`) or the disk is full. The next signal ends the process at once, as it would by
 * default. Returns a function that returns whether `stop` was called.
 */
export function call_at_stop(stop: () => void, output_failed: OutputFailed): () => boolean {
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
      output_failed(error, stream, is_stopping)
      stop_once()
    })
  }
  return () => is_stopping
}
