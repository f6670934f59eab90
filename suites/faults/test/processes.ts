import { type ChildProcess, spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Journal } from '@bt/test-support/journal'
import type { ClientOrder, ServerOrder, Told } from '../src/process_words.ts'
import { also_end } from './subjects.ts'

type Event<Name extends Told['event']> = Extract<Told, { readonly event: Name }>

/** A process of the suite, and what it told. */
export class Program<Order extends ServerOrder | ClientOrder> {
  readonly child: ChildProcess
  readonly told: Journal<Told> = new Journal()
  readonly #ended: Promise<unknown>

  private constructor(child: ChildProcess) {
    this.child = child
    this.child.on('message', told => this.told.add(told as Told))
    this.#ended = once(this.child, 'exit')
  }

  /** Starts a process; `before`: a command that runs it. */
  static start<Order extends ServerOrder | ClientOrder>(
    name: 'server_process' | 'client_process',
    options: object,
    before: readonly string[] = [],
  ): Program<Order> {
    const [command = '', ...args] = [
      ...before,
      process.execPath,
      '--expose-gc',
      file_of(name),
      JSON.stringify(options),
    ]
    return new Program(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  }

  /** Starts a server's process as a worker of this one, which shares its port with its siblings. */
  static start_worker(options: object): Program<ServerOrder> {
    const args = [JSON.stringify(options)]
    cluster.setupPrimary({ exec: file_of('server_process'), execArgv: ['--expose-gc'], args })
    return new Program(cluster.fork().process)
  }

  /** Settles with where it listens, when it does. */
  async started(): Promise<string> {
    const ended = this.#ended.then(() => Promise.reject(new Error('the process ended before it had started')))
    // One that has started may end.
    ended.catch(() => {})
    return (await Promise.race([this.event('listening'), ended])).addr
  }

  order(order: Order): void {
    this.child.send(order)
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    this.child.kill(signal)
  }

  /** The first of what it told by that name, and as wanted. */
  async event<Name extends Told['event']>(
    name: Name,
    is_wanted: (told: Event<Name>) => boolean = () => true,
  ): Promise<Event<Name>> {
    return (await this.told.first(
      told => told.event === name && is_wanted(told as Event<Name>),
    )) as Event<Name>
  }

  /** All of what it told by that name up to now. */
  events<Name extends Told['event']>(name: Name): readonly Event<Name>[] {
    return this.told.entries.filter(({ event }) => event === name) as Event<Name>[]
  }

  /** Settles when it has told so many of that name. */
  times(name: Told['event'], count: number): Promise<void> {
    let looked_at = 0
    let found = 0
    return this.told.until(entries => {
      for (; looked_at < entries.length; looked_at += 1) if (entries[looked_at]?.event === name) found += 1
      return found >= count
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#ended
  }
}

function file_of(program: string): string {
  return fileURLToPath(new URL(`../dist/${program}.js`, import.meta.url))
}

export interface RunningServer {
  readonly program: Program<ServerOrder>
  readonly addr: string
}

/** Starts a server in a process of its own; `before`: a command that runs it. */
export async function run_server(options: object, before: readonly string[] = []): Promise<RunningServer> {
  const program = also_end(Program.start<ServerOrder>('server_process', options, before))
  return { program, addr: await program.started() }
}

/** Starts servers that are workers of this process, on one port. */
export async function run_workers(count: number, options: object): Promise<readonly RunningServer[]> {
  const programs = Array.from({ length: count }, () => also_end(Program.start_worker(options)))
  return Promise.all(programs.map(async program => ({ program, addr: await program.started() })))
}

/** Starts the process of a client, which connects when it is ordered to. */
export async function run_client(
  options: object,
  before: readonly string[] = [],
): Promise<Program<ClientOrder>> {
  const program = also_end(Program.start<ClientOrder>('client_process', { type: 'ws', ...options }, before))
  await program.started()
  return program
}

/** What a server's process takes, after a garbage collection. */
export async function measure(program: Program<ServerOrder>): Promise<Event<'measured'>> {
  const before = program.events('measured').length
  program.order({ do: 'measure' })
  await program.times('measured', before + 1)
  return program.events('measured').at(-1) as Event<'measured'>
}
