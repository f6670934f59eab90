import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { running, type Stoppable } from './running.js'

/** How a program of the bench is started. */
export interface ProgramStart {
  /** What it is called in errors. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The core it is kept on; `undefined`: wherever the system puts it. */
  readonly core: number | undefined
  /** Variables of the environment, besides those that it inherits. */
  readonly env?: Readonly<Record<string, string>>
}

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

interface Answer {
  readonly id: number
  readonly result: never
  readonly error?: string
}

/** No command takes longer than this, beside what it was asked to take. */
const PATIENCE_S = 60

/** The last of what a program has said, besides answers, is kept, and told when it ends unasked. */
const SAID_KEPT = 8_192

/** How each answer begins. */
const ANSWER_START = '{"id":'

/**
 * A process that obeys commands: a subject, or the load. They work together: when one ends unasked, nobody waits for what another should answer,
 * which may never come.
 */
export class Program implements Stoppable {
  static readonly #all = new Set<Program>()
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #next_id = 0
  #said = ''
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
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text))
    // A program that has ended takes no commands; why it has ended is told below.
    this.#child.stdin?.on('error', () => {})
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', line => this.#hear(line))
    this.#ended = new Promise(resolve => {
      this.#child.once('error', error => this.#fail(`could not be started: ${error.message}`, resolve))
      this.#child.once('close', (code, signal) => this.#fail(`ended with ${signal ?? code}`, resolve))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The CPU time that the program has used so far, in microseconds. */
  cpu_us(): Promise<number> {
    return this.call('cpu')
  }

  /** Has the program do something that takes about so long, and returns what it answers. */
  async call<Result>(command: string, args: object = {}, takes_ms = 0): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure
    const id = this.#next_id++
    const most_s = PATIENCE_S + takes_ms / 1000
    let left_s = most_s
    return new Promise<Result>((resolve, reject) => {
      // Seconds are counted one by one, so that those in which the whole machine was asleep do not count.
      const timer = setInterval(() => {
        left_s -= 1
        if (left_s <= 0) this.#give_up(id, `does not answer to ${command} within ${most_s} s`)
      }, 1000)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#child.stdin?.write(`${JSON.stringify({ id, command, args })}\n`)
    })
  }

  /** Ends the program, and settles when it is gone. */
  async stop(): Promise<void> {
    this.#failure ??= new Error(`${this.name} was stopped`)
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** A line is an answer, or something else: printed by a library, or all that there is of an answer when the program has ended amid it. */
  #hear(line: string): void {
    const answer = line.startsWith(ANSWER_START) ? parsed(line) : undefined
    if (answer === undefined) this.#keep(`${line}\n`)
    else if (answer.error === undefined) this.#take(answer.id)?.resolve(answer.result)
    else this.#give_up(answer.id, answer.error)
  }

  #keep(text: string): void {
    this.#said = (this.#said + text).slice(-SAID_KEPT)
  }

  #give_up(id: number, reason: string): void {
    this.#take(id)?.reject(new Error(`${this.name}: ${reason}`))
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    clearInterval(waiting?.timer)
    this.#waiting.delete(id)
    return waiting
  }

  #fail(how: string, then: () => void): void {
    running.delete(this)
    Program.#all.delete(this)
    const said = this.#said === '' ? '' : `; it said:\n${this.#said.trimEnd()}`
    const was_asked = this.#failure !== undefined
    this.#failure ??= new Error(`${this.name} ${how}${said}`)
    this.#reject_all(this.#failure)
    if (!was_asked) for (const other of Program.#all) other.#reject_all(this.#failure)
    then()
  }

  #reject_all(reason: Error): void {
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(reason)
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
    // Whoever waits for it is told that the program has ended.
    return undefined
  }
}
