import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProgram } from '@bt/test-support/running_program'
import { onTestFinished } from 'vitest'

/** The command line of a program, and its output. */
export interface Ran {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * The variables that programs inherit from the tests: where programs are, but nothing that configures them.
 */
const PASSED_ON = ['PATH', 'LANG', 'TZ', 'CHROMIUM_PATH']

/** A user with an empty home and an empty cache, and without any configuration of this machine. */
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

  /** Runs a program until it ends, successfully or not. */
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

  /** Runs a program that has to succeed, and returns its output. */
  async runs(folder: string, command: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.tries(folder, command, ...args)
    if (status === 0) return stdout
    throw new Error(`${[command, ...args].join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  }

  /** Starts a program that runs until the end of the test. */
  starts(folder: string, command: string, ...args: string[]): RunningProgram {
    const program = new RunningProgram(command, args, { cwd: folder, env: this.env })
    onTestFinished(async () => {
      await program.stop('SIGKILL')
    })
    return program
  }
}
