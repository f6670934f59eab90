import { stop_all } from './running.js'

/** What a shell expects of who was ended by Ctrl-C. */
const INTERRUPTED = 130

let is_interrupted = false

/** Ends everything that runs, and then this process, when it is told to end, or nobody reads any more what it prints (`| head`). */
export function end_when_told(first: () => void): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      is_interrupted = true
      process.exitCode = INTERRUPTED
      first()
      void stop_all().then(() => process.exit())
    })
  process.stdout.on('error', () => void stop_all().then(() => process.exit(1)))
}

/** Whether it was told to end: what was stopped then fails, and that is no news. */
export function was_told_to_end(): boolean {
  return is_interrupted
}
