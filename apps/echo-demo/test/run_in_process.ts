import { type MockInstance, vi } from 'vitest'
import { run_command_line } from '../src/command_line.ts'

/** The exit code and the output of a command line. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Thrown instead of exiting. */
class ProcessExit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit with code ${code}`)
    this.code = code
  }
}

/**
 * Runs a command line in the process of the test, which is faster, for help and for invalid arguments. A
 * command that connects, listens or reads stdin needs a process of its own: use `run`.
 */
export async function run_in_process(args: readonly string[]): Promise<Ended> {
  const [stdout, stderr] = [capture(process.stdout), capture(process.stderr)]
  const exit = vi.spyOn(process, 'exit').mockImplementation(code => {
    throw new ProcessExit(Number(code))
  })
  try {
    const code = await run_command_line(args).catch((error: unknown) => {
      if (error instanceof ProcessExit) return error.code
      throw error
    })
    return { code, stdout: text_of(stdout), stderr: text_of(stderr) }
  } finally {
    for (const spy of [stdout, stderr, exit]) spy.mockRestore()
  }
}

type Write = (text: string) => boolean

function capture(stream: NodeJS.WriteStream): MockInstance<Write> {
  return vi.spyOn(stream as { write: Write }, 'write').mockReturnValue(true)
}

function text_of({ mock }: MockInstance<Write>): string {
  return mock.calls.map(([text]) => text).join('')
}
