import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
// @boundaries-ignore programs for tests are started in one place
import { type Exit, RunningProgram } from '../../../scripts/running_program.mjs'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** How long silence lasts where the test's machine may be busy: the answers are all there long before. */
export const PATIENTLY: readonly string[] = ['--wait', '2000']

/** The built program, running, by the command `before` if there is one; it is killed when the test is over. */
export class Program extends RunningProgram {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, before: readonly string[] = []) {
    // These make libraries colour what no terminal shows: the program must not.
    const colourful = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    const [command = '', ...more] = [...before, process.execPath, MAIN, ...args]
    super(command, more, { env: { ...colourful, ...env } })
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

/** What runs a program with a stdout that takes nothing, as a file does on a full disk. */
export const ON_FULL_DISK: readonly string[] = ['/bin/sh', '-c', 'exec "$0" "$@" >/dev/full']

/** An environment in which a program hears Ctrl-C at once when it has written that. */
export function stopped_at(text: string): NodeJS.ProcessEnv {
  return preloading(`
    const { write } = process.stdout
    process.stdout.write = function (...args) {
      const has_room = write.apply(this, args)
      if (String(args[0]).includes(${JSON.stringify(text)})) process.emit('SIGINT', 'SIGINT')
      return has_room
    }`)
}

/** One in which it hears Ctrl-C as soon as it listens for that. */
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
