const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Calls `stop` once: at the first Ctrl-C or SIGTERM, or when the reader of the output is gone (`| head -1`).
 * The next signal ends the process at once, as it would by default.
 */
export function on_stop(stop: () => void): void {
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
      if (error.code !== 'EPIPE') throw error
      stop_once()
    })
  }
}
