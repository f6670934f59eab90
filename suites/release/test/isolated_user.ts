import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProgram } from '@bt/test-support/running_program'
import { onTestFinished } from 'vitest'

/** The exit status and the output of a program. */
export interface ProgramResult {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The variables that programs inherit: those that locate programs, but none that configures them. */
const INHERITED_VARIABLES = ['PATH', 'LANG', 'TZ', 'CHROMIUM_PATH']

/** Runs programs as a user with an empty home and cache, and without any configuration of this machine. */
export class IsolatedUser {
  readonly env: NodeJS.ProcessEnv

  constructor(home: string, variables: NodeJS.ProcessEnv = {}) {
    mkdirSync(home, { recursive: true })
    const inherited = INHERITED_VARIABLES.flatMap(name =>
      name in process.env ? [[name, process.env[name]]] : [],
    )
    this.env = {
      ...Object.fromEntries(inherited),
      HOME: home,
      npm_config_globalconfig: join(home, 'no_such_npmrc'),
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      // A registry on loopback that fails once fails again.
      npm_config_fetch_retries: '0',
      ...variables,
    }
  }

  /** Runs a program until it ends, and returns its result even if it fails. */
  async try_run(folder: string, command: string, ...args: string[]): Promise<ProgramResult> {
    const child = spawn(command, args, { cwd: folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (part: string) => {
        output[stream] += part
      })
    }
    const [status] = await once(child, 'close')
    return { status, ...output }
  }

  /** Runs a program until it ends, and returns what it printed; throws if it fails. */
  async run(folder: string, command: string, ...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.try_run(folder, command, ...args)
    if (status === 0) return stdout
    throw new Error(`${[command, ...args].join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  }

  /** Starts a program, and kills it when the test finishes. */
  start(folder: string, command: string, ...args: string[]): RunningProgram {
    const program = new RunningProgram(command, args, { cwd: folder, env: this.env })
    onTestFinished(async () => {
      await program.stop('SIGKILL')
    })
    return program
  }
}
