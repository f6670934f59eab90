/** Ends the process: a subject that does not take what it was to send would be measured with messages missing. */
export function give_up(reason: unknown): never {
  process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`)
  process.exit(1)
}
