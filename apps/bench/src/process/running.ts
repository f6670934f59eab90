/** Something that the bench has started, and stops when it ends. */
export interface Stoppable {
  stop(): Promise<void>
}

/** Everything that was started and has not ended yet. */
export const running: Set<Stoppable> = new Set()

/** Stops everything that runs. */
export async function stop_all(): Promise<void> {
  await Promise.all([...running].map(each => each.stop()))
}

/** The exit code that shells expect after Ctrl-C. */
const INTERRUPTED = 130

let is_interrupted = false

/** Stops everything, and then exits, on a signal or when stdout is closed (`| head`). */
export function end_on_signals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      is_interrupted = true
      process.exitCode = INTERRUPTED
      void stop_all().then(() => process.exit())
    })
  process.stdout.on('error', () => void stop_all().then(() => process.exit(1)))
}

/** Returns whether a signal has ended the run: the failures of stopped programs are then not reported. */
export function was_interrupted(): boolean {
  return is_interrupted
}
