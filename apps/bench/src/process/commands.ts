import { createInterface } from 'node:readline'

/** What a program of the bench can be told to do, by name; each answers with something that JSON can hold. */
export type Commands = Readonly<Record<string, (args: never) => unknown>>

interface Call {
  readonly id: number
  readonly command: string
  readonly args: never
}

/**
 * Obeys commands that come as JSON lines on stdin, and answers each with a line on stdout. When stdin ends, whoever gave the
 * commands is gone, and so is this process: nothing is left behind, however the bench ended. Node and Bun both run this.
 */
export function obey(commands: Commands): void {
  // Ctrl-C in a terminal reaches every process of the group; when to end is said by the one that prints.
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

/** The CPU time that this process has used so far, in user and system mode, all threads, in microseconds. */
export function cpu_us(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Returns the time since a moment that is the same for all processes of a machine, in microseconds. */
export function now_us(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Ends the process: a subject that fails to send a message would be measured with messages missing. */
export function give_up(reason: unknown): never {
  process.stderr.write(`${reason instanceof Error ? reason.stack : String(reason)}\n`)
  process.exit(1)
}
