import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** What a program was told to do, and what it has said. */
export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What is passed on to programs of the environment of the tests: where programs are, and nothing that says how they should behave. */
const PASSED_ON = ['PATH', 'LANG', 'TZ', 'CHROMIUM_PATH']

/** Somebody with a home and a cache that are empty, and whom nothing on this machine has told anything. */
export class Person {
  readonly env: NodeJS.ProcessEnv

  constructor(home: string, more: NodeJS.ProcessEnv = {}) {
    mkdirSync(home, { recursive: true })
    const passed_on = PASSED_ON.flatMap(name => (name in process.env ? [[name, process.env[name]]] : []))
    this.env = {
      ...Object.fromEntries(passed_on),
      HOME: home,
      npm_config_globalconfig: join(home, 'no_such_npmrc'),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      // A registry on loopback answers at once, or is broken.
      npm_config_fetch_retries: '0',
      ...more,
    }
  }

  /** Runs a program to its end, whatever that is. */
  async tries(folder: string, command: string, ...args: string[]): Promise<Ran> {
    const child = spawn(command, args, { cwd: folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (part: string) => {
        said[stream] += part
      })
    }
    const [status] = await once(child, 'close')
    return { status, ...said }
  }

  /** Runs a program that has to succeed, and returns what it says. */
  async runs(folder: string, command: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.tries(folder, command, ...args)
    if (status === 0) return stdout
    throw new Error(`${[command, ...args].join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  }

  /** Starts a program that runs until it is ended. */
  starts(folder: string, command: string, ...args: string[]): Running {
    return new Running(spawn(command, args, { cwd: folder, env: this.env }))
  }
}

/** A program that was started. */
export class Running {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>
  readonly #waiting = new Set<() => void>()
  /** What it has said, on both streams. */
  said = ''

  constructor(child: ChildProcess) {
    this.#child = child
    const look = (): void => {
      for (const waiting of this.#waiting) waiting()
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (part: string) => {
        this.said += part
        look()
      })
    }
    this.#ended = once(child, 'close')
      .catch(error => {
        this.said += String(error)
      })
      .then(look)
  }

  /** Waits until it has said something, and returns the first group of what matches. */
  async says(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(this.said)
        const has_ended = this.#child.exitCode !== null || this.#child.signalCode !== null
        if (found === null && !has_ended) return
        this.#waiting.delete(look)
        if (found === null) reject(new Error(`it has ended, and did not say ${pattern}:\n${this.said}`))
        else resolve(found[1] ?? found[0])
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** Ends it, and waits until it has gone. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
