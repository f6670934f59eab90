import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
// @boundaries-ignore programs for tests are started in one place
import { type Exit, RunningProgram } from '../../../scripts/running_program.mjs'

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))

/** The built program, running; it is killed when the test is over. */
export class Program extends RunningProgram {
  constructor(args: readonly string[]) {
    // These make libraries colour what no terminal shows: the program must not.
    const env = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    super(process.execPath, [MAIN, ...args], { env })
    onTestFinished(() => this.kill())
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    await this.stop('SIGKILL')
  }
}

/** A server that runs. */
export interface RunningServer {
  readonly program: Program
  /** Where its page is. */
  readonly url: string
  /** Where its WebSocket is. */
  readonly ws_url: string
}

/** Starts the server on free ports, or on those that are given, and waits until it serves. */
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
