import { fileURLToPath } from 'node:url'
import { type Exit, RunningProgram } from '@bt/test-support/running_program'
import { onTestFinished } from 'vitest'

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))

/** A running process of the built program; killed at the end of the test. */
export class Program extends RunningProgram {
  constructor(args: readonly string[]) {
    // These variables make libraries print colours even without a terminal, which the program must not do.
    const env = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    super(process.execPath, [MAIN, ...args], { env })
    onTestFinished(() => this.kill())
  }

  /** Kills it. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL')
  }
}

/** A running server. */
export interface RunningServer {
  readonly program: Program
  /** The URL of its page. */
  readonly url: string
  /** The URL of its WebSocket. */
  readonly ws_url: string
}

/** Starts the server on the given ports, or free ones, and waits until it serves. */
export function start_server(
  bind = '127.0.0.1:0',
  ws_bind = '127.0.0.1:0',
  ...more: readonly string[]
): Promise<RunningServer> {
  return serving(new Program(['--bind', bind, '--ws-bind', ws_bind, ...more]))
}

async function serving(program: Program): Promise<RunningServer> {
  await program.says('Ctrl-C stops it')
  const [url, ws_url] = [await program.says(/open (\S+)/), await program.says(/listening on (\S+)/)]
  return { program, url, ws_url }
}

/** Starts the program and waits until it has ended. */
export async function run(args: readonly string[]): Promise<Program & Exit> {
  const program = new Program(args)
  return Object.assign(program, await program.exit)
}
