import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

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

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    // These make libraries colour what no terminal shows: the program must not.
    const colourful = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    this.child = spawn(process.execPath, [MAIN, ...args], { env: { ...colourful, ...env } })
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#check()
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#check()
    })
    // A program that has ended takes no more input; how it ended is what a test looks at.
    this.child.stdin.on('error', () => {})
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        this.#has_ended = true
        this.#check()
        resolve({ code, signal })
      })
    })
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.exit
    })
  }

  /** Waits until `seen` says yes to what was written. */
  until(seen: (program: Program) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const is_seen = seen(this)
        if (!is_seen && !this.#has_ended) return
        this.#checks.delete(check)
        if (is_seen) resolve()
        else reject(new Error(`ended too early; stdout: ${this.stdout}; stderr: ${this.stderr}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Waits until `text` was written to stdout. */
  says(text: string): Promise<void> {
    return this.until(({ stdout }) => stdout.includes(text))
  }

  /** Writes `lines` to its stdin. */
  type(...lines: string[]): void {
    this.child.stdin.write(lines.map(line => `${line}\n`).join(''))
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}

/** Starts the program and waits until it has ended. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Program & Exit> {
  const program = new Program(args, env)
  program.child.stdin.end()
  return Object.assign(program, await program.exit)
}

/** Starts a server on a free port and waits until it listens. */
export async function start_server(
  command: 'demo' | 'serve',
  ...options: string[]
): Promise<{ program: Program; url: string }> {
  const program = new Program([command, '--bind', '127.0.0.1:0', ...options])
  await program.says('Ctrl-C stops it')
  const [, url] = /listening on (\S+)/.exec(program.stdout) ?? []
  if (url === undefined) throw new Error(`no address in ${program.stdout}`)
  return { program, url }
}
