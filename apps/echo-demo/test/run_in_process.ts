import { type MockInstance, vi } from 'vitest'
import { run_command_line } from '../src/command_line.ts'

/** How a command line ended, and what it has written. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Thrown in place of the end of the process. */
class ProcessExit extends Error {
  readonly code: number

  constructor(code: number) {
    super(`exit with code ${code}`)
    this.code = code
  }
}

/**
 * Runs a command line in the process of the test, which is quicker than a process of its own: for help and for invalid arguments. What connects,
 * listens or reads stdin runs as a program, with `run`.
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
