import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { running, type Stoppable } from './running.js'

/** How a bench process is started. */
export interface ProgramStart {
  /** Its name in errors. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The core to which it is pinned; `undefined` if it is not pinned. */
  readonly core: number | undefined
  /** Environment variables besides those that it inherits. */
  readonly env?: Readonly<Record<string, string>>
}

interface PendingCall {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Answer {
  readonly id: number
  readonly result: never
  readonly error?: string
}

/** How long a command may take, in addition to its own duration. */
const CALL_TIMEOUT_S = 60

/** How much of a program's output is kept, besides its answers, for the error if it ends unexpectedly. */
const MAX_OUTPUT_CHARACTERS = 8_192

/** The prefix of each answer. */
const ANSWER_PREFIX = '{"id":'

/**
 * A process that runs commands: a subject, or the load. They work together: when one ends unexpectedly, the
 * pending calls of all others fail too, because they may never be answered.
 */
export class Program implements Stoppable {
  static readonly #all = new Set<Program>()
  readonly name: string
  readonly #child: ChildProcess
  readonly #pending = new Map<number, PendingCall>()
  readonly #ended: Promise<void>
  #next_id = 0
  #output = ''
  #failure: Error | undefined

  constructor({ name, command, args, core, env }: ProgramStart) {
    this.name = name
    const [file, ...rest] =
      core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args]
    this.#child = spawn(file as string, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    running.add(this)
    Program.#all.add(this)
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#record(text))
    // Writing to a process that has ended fails. The reason for its end is reported below.
    this.#child.stdin?.on('error', () => {})
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', line => this.#handle_line(line))
    this.#ended = new Promise(resolve => {
      this.#child.once('error', error => this.#fail(`could not be started: ${error.message}`, resolve))
      this.#child.once('close', (code, signal) => this.#fail(`ended with ${signal ?? code}`, resolve))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Returns the CPU time of the program so far, in microseconds. */
  cpu_us(): Promise<number> {
    return this.call('cpu')
  }

  /** Runs a command in the program, and resolves with its answer. `takes_ms` is its expected duration. */
  async call<Result>(command: string, args: object = {}, takes_ms = 0): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure
    const id = this.#next_id++
    const timeout_s = CALL_TIMEOUT_S + takes_ms / 1000
    let left_s = timeout_s
    return new Promise<Result>((resolve, reject) => {
      // Counts seconds one by one, so that the time in which the whole machine was suspended does not count.
      const timer = setInterval(() => {
        left_s -= 1
        if (left_s <= 0) this.#reject(id, `does not answer to ${command} within ${timeout_s} s`)
      }, 1000)
      this.#pending.set(id, { resolve, reject, timer })
      this.#child.stdin?.write(`${JSON.stringify({ id, command, args })}\n`)
    })
  }

  /** Kills the program, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#failure ??= new Error(`${this.name} was stopped`)
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /**
   * Handles an answer. Any other line was printed by a library, or is an answer that the program did not
   * finish.
   */
  #handle_line(line: string): void {
    const answer = line.startsWith(ANSWER_PREFIX) ? parsed(line) : undefined
    if (answer === undefined) this.#record(`${line}\n`)
    else if (answer.error === undefined) this.#remove_call(answer.id)?.resolve(answer.result)
    else this.#reject(answer.id, answer.error)
  }

  #record(text: string): void {
    this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARACTERS)
  }

  #reject(id: number, reason: string): void {
    this.#remove_call(id)?.reject(new Error(`${this.name}: ${reason}`))
  }

  #remove_call(id: number): PendingCall | undefined {
    const call = this.#pending.get(id)
    clearInterval(call?.timer)
    this.#pending.delete(id)
    return call
  }

  #fail(problem: string, then: () => void): void {
    running.delete(this)
    Program.#all.delete(this)
    const output = this.#output === '' ? '' : `; it said:\n${this.#output.trimEnd()}`
    const was_stopped = this.#failure !== undefined
    this.#failure ??= new Error(`${this.name} ${problem}${output}`)
    this.#reject_all(this.#failure)
    if (!was_stopped) for (const other of Program.#all) other.#reject_all(this.#failure)
    then()
  }

  #reject_all(reason: Error): void {
    for (const id of [...this.#pending.keys()]) this.#remove_call(id)?.reject(reason)
  }
}

/** Starts a process of the load. */
export function start_load(name: string, core: number | undefined): Program {
  const file = fileURLToPath(new URL('../../dist/load/main.js', import.meta.url))
  return new Program({ name, command: process.execPath, args: [file], core })
}

function parsed(line: string): Answer | undefined {
  try {
    return JSON.parse(line) as Answer
  } catch {
    // The program has ended in the middle of the answer, which rejects the call.
    return undefined
  }
}
