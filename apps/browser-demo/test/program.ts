import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))

/** How a program ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** The built program, running; it is killed when the test is over. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams
  /** Settles when it has ended and all that it wrote was read. */
  readonly exit: Promise<Exit>
  stdout = ''
  stderr = ''
  #has_ended = false
  readonly #checks = new Set<() => void>()

  constructor(args: readonly string[]) {
    // These make libraries colour what no terminal shows: the program must not.
    const env = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    this.child = spawn(process.execPath, [MAIN, ...args], { env })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#check()
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#check()
    })
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        this.#has_ended = true
        this.#check()
        resolve({ code, signal })
      })
    })
    onTestFinished(() => this.kill())
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exit
  }

  /** Waits until `text` was written to stdout. */
  says(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const is_seen = this.stdout.includes(text)
        if (!is_seen && !this.#has_ended) return
        this.#checks.delete(check)
        if (is_seen) resolve()
        else reject(new Error(`ended too early; stdout: ${this.stdout}; stderr: ${this.stderr}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}

/** A server that runs. */
export interface RunningServer {
  readonly program: Program
  /** Where its page is. */
  readonly url: string
  /** Where its WebSocket is. */
  readonly ws_url: string
}

/** Starts the server on free ports, or on those that are given, and waits until it serves. */
export async function start_server(
  bind = '127.0.0.1:0',
  ws_bind = '127.0.0.1:0',
  ...more: readonly string[]
): Promise<RunningServer> {
  const program = new Program(['--bind', bind, '--ws-bind', ws_bind, ...more])
  await program.says('Ctrl-C stops it')
  const [, url] = /open (\S+)/.exec(program.stdout) ?? []
  const [, ws_url] = /listening on (\S+)/.exec(program.stdout) ?? []
  if (url === undefined || ws_url === undefined) throw new Error(`no address in ${program.stdout}`)
  return { program, url, ws_url }
}

/** Starts the program and waits until it has ended. */
export async function run(args: readonly string[]): Promise<Program & Exit> {
  const program = new Program(args)
  return Object.assign(program, await program.exit)
}
