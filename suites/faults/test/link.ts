import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { IP, MissingProgram, type Program, PYTHON_3, path_of } from '@bt/test-support/programs'
import { also_end } from './subjects.ts'

const PROGRAM = fileURLToPath(new URL('../lossy_link.py', import.meta.url))

/** The address of the server's end. */
export const SERVER_IP = '10.213.77.1'
const CLIENT_IP = '10.213.77.2'

/** Two network namespaces, and a link between them that can be cut and made bad. */
export class Link {
  /** Commands that run a program at either end. */
  readonly server_end: readonly string[]
  readonly client_end: readonly string[]
  readonly #names: readonly [string, string]
  readonly #program: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #answers: AsyncIterator<string>
  readonly #lines: Interface

  private constructor(names: readonly [string, string]) {
    this.#names = names
    const [server_end, client_end] = names.map(name => [path_of(IP), 'netns', 'exec', name])
    this.server_end = server_end as string[]
    this.client_end = client_end as string[]
    const [command = '', ...args] = [...this.server_end, 'python3', PROGRAM]
    this.#program = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#ended = once(this.#program, 'exit')
    this.#lines = createInterface({ input: this.#program.stdout as NodeJS.ReadableStream })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  static async make(): Promise<Link> {
    const names = [`bt-${process.pid}-s`, `bt-${process.pid}-c`] as const
    for (const name of names) ip('netns', 'add', name)
    const link = also_end(new Link(names))
    if ((await link.#answers.next()).value !== 'ready') throw new Error('lossy_link.py did not start')
    const [server, client] = names
    ip('-n', server, 'link', 'set', 'link1', 'netns', client)
    for (const [name, device, address, peer] of [
      [server, 'link0', SERVER_IP, CLIENT_IP],
      [client, 'link1', CLIENT_IP, SERVER_IP],
    ] as const) {
      ip('-n', name, 'addr', 'add', address, 'peer', peer, 'dev', device)
      ip('-n', name, 'link', 'set', device, 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    return link
  }

  /** From now on no packet gets through, and neither end is told. */
  cut(): Promise<void> {
    return this.#order('cut')
  }

  mend(): Promise<void> {
    return this.#order('mend')
  }

  /** Each packet is late by so much, lost with the one probability, and overtaken with the other. */
  weather(delay_ms: number, loss: number, reorder: number): Promise<void> {
    return this.#order(`weather ${delay_ms} ${loss} ${reorder}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill()
    await this.#ended
    this.#lines.close()
    for (const name of this.#names) ip('netns', 'del', name)
  }

  async #order(order: string): Promise<void> {
    this.#program.stdin?.write(`${order}\n`)
    await this.#answers.next()
  }
}

/** What a link needs. */
const LINK: Omit<Program, 'find'> = {
  name: 'a link between two network namespaces',
  use: 'tests of bad links',
  remedy: 'run them as root on Linux, with /dev/net/tun',
  is_optional: true,
}

/** Throws if there can be no link here. */
export function need_link(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) throw new MissingProgram(LINK)
  const python = path_of(PYTHON_3)
  path_of(IP)
  const name = `bt-${process.pid}-try`
  try {
    execFileSync(python, ['-c', 'open("/dev/net/tun", "r+b", 0)'], { stdio: 'pipe' })
    ip('netns', 'add', name)
    ip('-n', name, 'tuntap', 'add', 'mode', 'tun', 'name', 'try')
  } catch (error) {
    const reason = (error as Error).message.split('\n').join(' ')
    throw new MissingProgram({ ...LINK, remedy: `${LINK.remedy} (${reason})` })
  } finally {
    try {
      ip('netns', 'del', name)
    } catch {
      // It was never made.
    }
  }
}

function ip(...args: string[]): void {
  execFileSync(path_of(IP), args, { stdio: 'pipe' })
}
