// A program that runs beside a test: what it writes, and how it ends.
import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process'

/** How a program ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that was started, as a process of its own. */
export class RunningProgram {
  readonly child: ChildProcessWithoutNullStreams
  /** Settles when it has ended and all that it wrote was read. */
  readonly exit: Promise<Exit>
  /** What it has written so far. */
  stdout = ''
  stderr = ''
  /** Both, as they were read. */
  written = ''
  #has_ended = false
  /** Run at each change of what was written. */
  readonly #checks = new Set<() => void>()

  /** Starts it; `stdio`, if any, has to leave pipes for the first three. */
  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, options) as ChildProcessWithoutNullStreams
    this.child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#add(text)
    })
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#add(text)
    })
    this.child.on('error', error => this.#add(`${error}\n`))
    // A program that has ended takes no more input; how it ended is what a test checks.
    this.child.stdin.on('error', () => {})
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        this.#has_ended = true
        this.#add('')
        resolve({ code, signal })
      })
    })
  }

  /** Waits until `seen` says yes to what was written. */
  until(seen: (program: this) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const is_seen = seen(this)
        if (!is_seen && !this.#has_ended) return
        this.#checks.delete(check)
        if (is_seen) resolve()
        else reject(new Error(`it ended too early; stdout: ${this.stdout}; stderr: ${this.stderr}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Waits until it has written a text, or what matches; returns the first group of that, or else all of it. */
  async says(wanted: string | RegExp): Promise<string> {
    if (typeof wanted === 'string') {
      await this.until(({ written }) => written.includes(wanted))
      return wanted
    }
    await this.until(({ written }) => wanted.test(written))
    const [all, group = all] = wanted.exec(this.written) as RegExpExecArray
    return group
  }

  /** Waits until it has ended, and returns what it has written. */
  async all_written(): Promise<string> {
    await this.exit
    return this.written
  }

  /** Writes lines to its stdin. */
  type(...lines: string[]): void {
    this.child.stdin.write(lines.map(line => `${line}\n`).join(''))
  }

  /** Asks it to end, as Ctrl-C or a supervisor would, and waits until it has. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal)
    return this.exit
  }

  #add(text: string): void {
    this.written += text
    for (const check of this.#checks) check()
  }
}
