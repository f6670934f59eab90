import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** How a program of the bench is started. */
export interface ProgramStart {
  /** What it is called in errors. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The core it is kept on; `undefined`: wherever the system puts it. */
  readonly core: number | undefined
}

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: Error) => void
}

/** For longer than this no command takes, beside what it was asked to take. */
const PATIENCE_MS = 60_000

/** The last of what a program has said on stderr is kept, and told when it ends unasked. */
const STDERR_KEPT = 8_192

const running = new Set<Program>()

/** A process that obeys commands: a subject, or the load. */
export class Program {
  readonly name: string
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #next_id = 0
  #stderr = ''
  #failure: Error | undefined

  constructor({ name, command, args, core }: ProgramStart) {
    this.name = name
    const [file, ...rest] =
      core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args]
    this.#child = spawn(file as string, rest, { stdio: ['pipe', 'pipe', 'pipe'] })
    running.add(this)
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    // A program that has ended takes no commands; why it has ended is told below.
    this.#child.stdin?.on('error', () => {})
    if (this.#child.stdout !== null)
      createInterface({ input: this.#child.stdout }).on('line', line => this.#settle(line))
    this.#ended = new Promise(resolve => {
      this.#child.once('error', error => this.#fail(`could not be started: ${error.message}`, resolve))
      this.#child.once('close', (code, signal) => this.#fail(`ended with ${signal ?? code}`, resolve))
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Has the program do something, and returns what it answers. */
  async call<Result>(command: string, args: object = {}, takes_ms = 0): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure
    const id = this.#next_id++
    const wait_ms = takes_ms + PATIENCE_MS
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.name}: no answer to ${command} within ${wait_ms} ms`)),
        wait_ms,
      )
      this.#waiting.set(id, {
        resolve: result => {
          clearTimeout(timer)
          resolve(result)
        },
        reject: error => {
          clearTimeout(timer)
          reject(error)
        },
      })
      this.#child.stdin?.write(`${JSON.stringify({ id, command, args })}\n`)
    })
  }

  /** Ends the program, and settles when it is gone. */
  async stop(): Promise<void> {
    this.#failure ??= new Error(`${this.name} was stopped`)
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #settle(line: string): void {
    const { id, result, error } = JSON.parse(line) as { id: number; result: never; error?: string }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(`${this.name}: ${error}`))
  }

  #fail(how: string, then: () => void): void {
    running.delete(this)
    const said = this.#stderr === '' ? '' : `; it said on stderr:\n${this.#stderr.trimEnd()}`
    this.#failure ??= new Error(`${this.name} ${how}${said}`)
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
    then()
  }
}

/** Ends every program that runs. */
export async function stop_all(): Promise<void> {
  await Promise.all([...running].map(program => program.stop()))
}
