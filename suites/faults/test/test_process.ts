import { type ChildProcess, spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'
import type { ClientCommand, ProcessEvent, ServerCommand } from '../src/process_messages.ts'
import { dispose_after_test } from './endpoints.ts'

type EventOf<Name extends ProcessEvent['event']> = Extract<ProcessEvent, { readonly event: Name }>

/** A process that runs a server or a client, and the events that it has reported. */
export class TestProcess<Command extends ServerCommand | ClientCommand> {
  readonly child: ChildProcess
  readonly journal: Journal<ProcessEvent> = new Journal()
  readonly #exited: Promise<unknown>

  private constructor(child: ChildProcess) {
    this.child = child
    this.child.on('message', event => this.journal.add(event as ProcessEvent))
    this.#exited = once(this.child, 'exit')
  }

  /** Starts a process; `prefix` is a command that runs it. */
  static start<Command extends ServerCommand | ClientCommand>(
    name: 'server_process' | 'client_process',
    options: object,
    prefix: readonly string[] = [],
  ): TestProcess<Command> {
    const [command = '', ...args] = [
      ...prefix,
      process.execPath,
      '--expose-gc',
      file_of(name),
      JSON.stringify(options),
    ]
    return new TestProcess(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  }

  /** Starts a server as a worker of this process, which shares its port with the other workers. */
  static start_worker(options: object): TestProcess<ServerCommand> {
    const args = [JSON.stringify(options)]
    cluster.setupPrimary({ exec: file_of('server_process'), execArgv: ['--expose-gc'], args })
    return new TestProcess(cluster.fork().process)
  }

  /** Resolves with the address that it listens on, as soon as it does. */
  async started(): Promise<string> {
    const exited = this.#exited.then(() => Promise.reject(new Error('the process ended before it started')))
    // A process that has started may exit.
    exited.catch(() => {})
    return (await Promise.race([this.event('listening'), exited])).addr
  }

  send(command: Command): void {
    this.child.send(command)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.child.kill(signal)
  }

  /** Resolves with the first event of that name that matches. */
  async event<Name extends ProcessEvent['event']>(
    name: Name,
    matches: (event: EventOf<Name>) => boolean = () => true,
  ): Promise<EventOf<Name>> {
    return (await this.journal.first(
      event => event.event === name && matches(event as EventOf<Name>),
    )) as EventOf<Name>
  }

  /** Returns the events of that name so far. */
  events<Name extends ProcessEvent['event']>(name: Name): readonly EventOf<Name>[] {
    return this.journal.entries.filter(({ event }) => event === name) as EventOf<Name>[]
  }

  /** Resolves when it has reported at least `count` events of that name. */
  times(name: ProcessEvent['event'], count: number): Promise<void> {
    let checked = 0
    let found = 0
    return this.journal.until(entries => {
      for (; checked < entries.length; checked += 1) if (entries[checked]?.event === name) found += 1
      return found >= count
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#exited
  }
}

function file_of(name: string): string {
  return fileURLToPath(new URL(`../dist/${name}.js`, import.meta.url))
}

export interface RunningServer {
  readonly program: TestProcess<ServerCommand>
  readonly addr: string
}

/** Starts a server in its own process; `prefix` is a command that runs it. */
export async function run_server(options: object, prefix: readonly string[] = []): Promise<RunningServer> {
  const program = dispose_after_test(TestProcess.start<ServerCommand>('server_process', options, prefix))
  return { program, addr: await program.started() }
}

/** Starts servers on one port, as workers of this process. */
export async function run_workers(count: number, options: object): Promise<readonly RunningServer[]> {
  const programs = Array.from({ length: count }, () => dispose_after_test(TestProcess.start_worker(options)))
  return Promise.all(programs.map(async program => ({ program, addr: await program.started() })))
}

/** Starts the process of a client, which connects on command. */
export async function run_client(
  options: object,
  prefix: readonly string[] = [],
): Promise<TestProcess<ClientCommand>> {
  const program = dispose_after_test(
    TestProcess.start<ClientCommand>('client_process', { type: 'ws', ...options }, prefix),
  )
  await program.started()
  return program
}

/** Returns the memory, descriptors and stats of a server's process, after a garbage collection. */
export async function measure(program: TestProcess<ServerCommand>): Promise<EventOf<'measured'>> {
  const before = program.events('measured').length
  program.send({ command: 'measure' })
  await program.times('measured', before + 1)
  return program.events('measured').at(-1) as EventOf<'measured'>
}
