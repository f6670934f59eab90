import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import type { Instruction, Told } from '../src/words.ts'

const PROGRAM = fileURLToPath(new URL('../dist/node_process.js', import.meta.url))

/** Processes without a server: to start one takes longer than most tests do. */
const idle: NodeProcess[] = []

afterAll(() => Promise.all(idle.splice(0).map(each => each.kill())))

/** A process that has one server at a time. */
export class NodeProcess {
  /** Settles when it has ended. */
  readonly ended: Promise<unknown>
  readonly #process: ChildProcess
  #told: (told: Told) => void = () => {}
  /** Whether it stands still or was killed, so that no other test can have it. */
  #is_out_of_use = false

  private constructor() {
    this.#process = fork(PROGRAM, { execArgv: ['--expose-gc'] })
    this.#process.on('message', told => this.#told(told as Told))
    this.ended = once(this.#process, 'exit')
  }

  /** Takes an idle process, or starts one. */
  static take(told: (told: Told) => void): NodeProcess {
    const taken = idle.pop() ?? new NodeProcess()
    taken.#told = told
    return taken
  }

  send(instruction: Instruction): void {
    this.#process.send(instruction)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#is_out_of_use = signal === 'SIGSTOP'
    this.#process.kill(signal)
  }

  async kill(): Promise<void> {
    this.#is_out_of_use = true
    this.#process.kill('SIGKILL')
    await this.ended
  }

  /** Ends its server, and lets another test have the process. */
  async give_back(): Promise<void> {
    if (this.#is_out_of_use) return this.kill()
    const server_ended = new Promise<void>(resolve => {
      this.#told = told => {
        if (told.event === 'ended') resolve()
      }
    })
    this.send({ do: 'end' })
    await Promise.race([server_ended, this.ended])
    if (this.#process.exitCode === null) idle.push(this)
  }
}
