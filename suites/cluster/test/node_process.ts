import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'
import type { NodeEvent, ProcessCommand } from '../src/node_protocol.ts'

const PROGRAM = fileURLToPath(new URL('../dist/node_process.js', import.meta.url))

/** Processes without a server, kept because starting one takes longer than most tests do. */
const idle: NodeProcess[] = []

afterAll(() => Promise.all(idle.splice(0).map(each => each.kill())))

/** A process that runs one server at a time. */
export class NodeProcess {
  /** Settles when the process has ended. */
  readonly ended: Promise<unknown>
  readonly #process: ChildProcess
  #on_event: (event: NodeEvent) => void = () => {}
  /** Whether it is stopped or was killed, so that no other test can use it. */
  #is_unusable = false

  private constructor() {
    this.#process = fork(PROGRAM, { execArgv: ['--expose-gc'] })
    this.#process.on('message', event => this.#on_event(event as NodeEvent))
    this.ended = once(this.#process, 'exit')
  }

  /** Returns an idle process, or starts one. */
  static acquire(on_event: (event: NodeEvent) => void): NodeProcess {
    const acquired = idle.pop() ?? new NodeProcess()
    acquired.#on_event = on_event
    return acquired
  }

  send(command: ProcessCommand): void {
    this.#process.send(command)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#is_unusable = signal === 'SIGSTOP'
    this.#process.kill(signal)
  }

  async kill(): Promise<void> {
    this.#is_unusable = true
    this.#process.kill('SIGKILL')
    await this.ended
  }

  /** Ends its server, and makes the process available to other tests. */
  async release(): Promise<void> {
    if (this.#is_unusable) return this.kill()
    const server_ended = new Promise<void>(resolve => {
      this.#on_event = ({ event }) => {
        if (event === 'ended') resolve()
      }
    })
    this.send({ command: 'end' })
    await Promise.race([server_ended, this.ended])
    if (this.#process.exitCode === null) idle.push(this)
  }
}
