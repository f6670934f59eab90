/** What runs beside the bench, and ends with it. */
export interface Stoppable {
  stop(): Promise<void>
}

/** Everything that was started and has not ended. */
export const running: Set<Stoppable> = new Set()

/** Ends everything that runs. */
export async function stop_all(): Promise<void> {
  await Promise.all([...running].map(thing => thing.stop()))
}

/** The exit code that shells expect after Ctrl-C. */
const INTERRUPTED = 130

let is_interrupted = false

/** Ends everything that runs, and then this process, on a signal, or when its output is closed (`| head`). */
export function end_on_signals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      is_interrupted = true
      process.exitCode = INTERRUPTED
      void stop_all().then(() => process.exit())
    })
  process.stdout.on('error', () => void stop_all().then(() => process.exit(1)))
}

/** Returns whether a signal has ended the run: programs that were stopped then fail, which is not worth reporting. */
export function was_interrupted(): boolean {
  return is_interrupted
}
