import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { IP, MissingProgram, type Program, PYTHON_3, path_of } from '@bt/test-support/programs'

const FORWARDER = fileURLToPath(new URL('../lossy_link.py', import.meta.url))

/** The address of the server's end. */
export const SERVER_IP = '10.213.77.1'
const CLIENT_IP = '10.213.77.2'

/** Two network namespaces, and a link between them that can be cut and impaired. */
export class NetworkLink {
  /** The commands that run a program in the namespace of the server, and in that of the client. */
  readonly server_end: readonly string[]
  readonly client_end: readonly string[]
  readonly #names: readonly [string, string]
  readonly #forwarder: ChildProcess
  /** Resolves when no packet is forwarded any more, because `lossy_link.py` has exited. */
  readonly ended: Promise<unknown>
  readonly #replies: AsyncIterator<string>
  readonly #lines: Interface

  private constructor(names: readonly [string, string]) {
    this.#names = names
    const [server_end, client_end] = names.map(name => [path_of(IP), 'netns', 'exec', name])
    this.server_end = server_end as string[]
    this.client_end = client_end as string[]
    const [command = '', ...args] = [...this.server_end, 'python3', FORWARDER]
    this.#forwarder = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.ended = once(this.#forwarder, 'exit')
    this.#lines = createInterface({ input: this.#forwarder.stdout as NodeJS.ReadableStream })
    this.#replies = this.#lines[Symbol.asyncIterator]()
    process.once('exit', this.#remove)
  }

  /** Creates a link, which is removed when this process exits, if not before. */
  static async create(): Promise<NetworkLink> {
    const names = [`bt-${process.pid}-s`, `bt-${process.pid}-c`] as const
    for (const name of names) ip('netns', 'add', name)
    const link = new NetworkLink(names)
    await link.#reply('ready')
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

  /** Drops all packets from now on; neither end is notified. */
  cut(): Promise<void> {
    return this.#send('cut')
  }

  restore(): Promise<void> {
    return this.#send('restore')
  }

  /** Turns the interface of the client's end off or on, as when it leaves a network. */
  set_client_interface(state: 'down' | 'up'): void {
    ip('-n', this.#names[1], 'link', 'set', 'link1', state)
  }

  /** Delays each packet, and loses or reorders it with the given probabilities. */
  impair(delay_ms: number, loss: number, reorder: number): Promise<void> {
    return this.#send(`impair ${delay_ms} ${loss} ${reorder}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#remove)
    this.#remove()
    await this.ended
    this.#lines.close()
  }

  readonly #remove = (): void => {
    this.#forwarder.kill()
    for (const name of this.#names) ip('netns', 'del', name)
  }

  async #send(command: string): Promise<void> {
    this.#forwarder.stdin?.write(`${command}\n`)
    await this.#reply('done')
  }

  async #reply(expected: string): Promise<void> {
    const { value } = await this.#replies.next()
    if (value !== expected) throw new Error(`lossy_link.py answered ${value}, not ${expected}`)
  }
}

/** The requirements of a link, in the form of a program that may be missing. */
const LINK: Omit<Program, 'find'> = {
  name: 'a link between two network namespaces',
  use: 'tests of bad links',
  remedy: 'run them as root on Linux, with /dev/net/tun',
  is_optional: true,
}

/** Throws `MissingProgram`, which skips the test, if this machine cannot create a link. */
export function require_link(): void {
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
      // The namespace was never created.
    }
  }
}

function ip(...args: string[]): void {
  execFileSync(path_of(IP), args, { stdio: 'pipe' })
}
