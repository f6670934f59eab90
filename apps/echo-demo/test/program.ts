import { fileURLToPath } from 'node:url'
import { type Exit, RunningProgram } from '@bt/test-support/running_program'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** A --wait that is long enough for all answers even on a busy machine. */
export const LONG_WAIT: readonly string[] = ['--wait', '2000']

/**
 * A running process of the built program, wrapped in the command `before` if given; killed at the end of the
 * test.
 */
export class Program extends RunningProgram {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, before: readonly string[] = []) {
    // These variables make libraries print colours even without a terminal, which the program must not do.
    const env_with_colours = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    const [command = '', ...more] = [...before, process.execPath, MAIN, ...args]
    super(command, more, { env: { ...env_with_colours, ...env } })
    onTestFinished(async () => {
      await this.stop('SIGKILL')
    })
  }
}

/** Starts the program and waits until it has ended. */
export async function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  before: readonly string[] = [],
): Promise<Program & Exit> {
  const program = new Program(args, env, before)
  program.child.stdin.end()
  return Object.assign(program, await program.exit)
}

/** A command that runs a program whose writes to stdout fail as on a full disk. */
export const ON_FULL_DISK: readonly string[] = ['/bin/sh', '-c', 'exec "$0" "$@" >/dev/full']

/** Returns an environment in which a program gets Ctrl-C as soon as it has printed `text`. */
export function stopped_at(text: string): NodeJS.ProcessEnv {
  return preloading(`
    const { write } = process.stdout
    process.stdout.write = function (...args) {
      const has_room = write.apply(this, args)
      if (String(args[0]).includes(${JSON.stringify(text)})) process.emit('SIGINT', 'SIGINT')
      return has_room
    }`)
}

/** Returns an environment in which a program gets Ctrl-C as soon as it listens for it. */
export function stopped_at_once(): NodeJS.ProcessEnv {
  return preloading(`
    process.on('newListener', name => {
      if (name === 'SIGINT') queueMicrotask(() => process.emit('SIGINT', 'SIGINT'))
    })`)
}

function preloading(code: string): NodeJS.ProcessEnv {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` }
}

/** Starts a server on a free port and waits until it listens. */
export async function start_server(
  command: 'demo' | 'serve',
  ...options: string[]
): Promise<{ program: Program; url: string }> {
  const program = new Program([command, '--bind', '127.0.0.1:0', ...options])
  await program.says('Ctrl-C stops it')
  return { program, url: await program.says(/listening on (\S+)/) }
}
