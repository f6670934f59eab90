import { createInterface } from 'node:readline'

/** The commands of a bench process, by name. Each returns a value that JSON can represent. */
export type Commands = Readonly<Record<string, (args: never) => unknown>>

interface Call {
  readonly id: number
  readonly command: string
  readonly args: never
}

/**
 * Runs commands from JSON lines on stdin, and answers each with a line on stdout. When stdin ends, the bench
 * has ended, however that happened, so this process exits and is not left behind. Both Node and Bun run this.
 */
export function handle_commands(commands: Commands): void {
  // Ctrl-C in a terminal reaches every process of the group. The main process decides when to end.
  process.on('SIGINT', () => {})
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => void answer(commands, JSON.parse(line) as Call))
  lines.on('close', () => process.exit())
}

async function answer(commands: Commands, { id, command, args }: Call): Promise<void> {
  process.stdout.write(`${JSON.stringify({ id, ...(await outcome(commands, command, args)) })}\n`)
}

async function outcome(commands: Commands, command: string, args: never): Promise<object> {
  const run = commands[command]
  if (run === undefined) return { error: `there is no command ${command}` }
  try {
    return { result: (await run(args)) ?? null }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** Returns the user and system CPU time of all threads of this process so far, in microseconds. */
export function cpu_us(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Returns the time of a clock that all processes of a machine share, in microseconds. */
export function now_us(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Exits with an error: a subject that fails to send a message must not be measured. */
export function give_up(reason: unknown): never {
  process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`)
  process.exit(1)
}
