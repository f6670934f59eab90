import { type ChildProcessWithoutNullStreams, type SpawnOptions, spawn } from 'node:child_process'

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A child process and its output. */
export class RunningProgram {
  readonly child: ChildProcessWithoutNullStreams
  /** Resolves when it has exited and all of its output was read. */
  readonly exit: Promise<Exit>
  /** Its output so far. */
  stdout = ''
  stderr = ''
  /** Both streams, in the order in which they were read. */
  written = ''
  #has_ended = false
  /** Run whenever there is more output, and at the end. */
  readonly #checks = new Set<() => void>()

  /** Starts the process. `stdio`, if set, has to use pipes for the first three streams. */
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
    // Writing to a process that has exited fails; tests check its exit instead.
    this.child.stdin.on('error', () => {})
    this.exit = new Promise(resolve => {
      this.child.on('close', (code, signal) => {
        this.#has_ended = true
        this.#add('')
        resolve({ code, signal })
      })
    })
  }

  /** Resolves when `seen` returns `true`; rejects if the process ends before. */
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

  /** Waits for a text or a match in the output; returns the text, the first group, or the whole match. */
  async says(wanted: string | RegExp): Promise<string> {
    if (typeof wanted === 'string') {
      await this.until(({ written }) => written.includes(wanted))
      return wanted
    }
    await this.until(({ written }) => wanted.test(written))
    const [all, group = all] = wanted.exec(this.written) as RegExpExecArray
    return group
  }

  /** Waits until the process has exited, and returns its output. */
  async all_written(): Promise<string> {
    await this.exit
    return this.written
  }

  /** Writes lines to its stdin. */
  type(...lines: string[]): void {
    this.child.stdin.write(lines.map(line => `${line}\n`).join(''))
  }

  /** Sends a signal, as Ctrl-C or a supervisor would, and waits until the process has exited. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.child.kill(signal)
    return this.exit
  }

  #add(text: string): void {
    this.written += text
    for (const check of this.#checks) check()
  }
}
