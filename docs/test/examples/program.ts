import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const BUILT = fileURLToPath(new URL('../../dist', import.meta.url))

/** How a program ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** An example as it was built, running as a process of its own; it is killed when the test is over. */
export class Program {
  readonly child: ChildProcessWithoutNullStreams
  /** Settles when it has ended and all that it wrote was read. */
  readonly exit: Promise<Exit>
  /** What it wrote, to stdout and to stderr. */
  written = ''
  #has_ended = false
  readonly #checks = new Set<() => void>()

  constructor(name: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
    this.child = spawn(process.execPath, [resolve(BUILT, `${name}.js`), ...args], {
      env: { ...process.env, ...env },
    })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.written += text
        this.#check()
      })
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

  /** Waits until it has written what matches, and returns the first group of that, or else all of it. */
  says(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const found = pattern.exec(this.written)
        if (found === null && !this.#has_ended) return
        this.#checks.delete(check)
        if (found !== null) resolve(found[1] ?? found[0])
        else reject(new Error(`ended before it said ${pattern}: ${this.written}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Where it says that it listens. */
  url(): Promise<string> {
    return this.says(/listening on (\S+)/)
  }

  /** Asks it to end, as Ctrl-C or a supervisor would, and waits until it has. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal)
    return this.exit
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}
