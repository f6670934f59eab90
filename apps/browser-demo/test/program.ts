import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
// @boundaries-ignore programs for tests are started in one place
import { type Exit, RunningProgram } from '../../../scripts/running_program.mjs'

const MAIN = fileURLToPath(new URL('../dist/server/main.js', import.meta.url))

/** Has something done when a test is over, or all tests of a file are. */
type AtEnd = (end: () => Promise<void>) => void

/** The built program, running; it is killed when the test is over, or when `at_end` says. */
export class Program extends RunningProgram {
  constructor(args: readonly string[], at_end: AtEnd = onTestFinished) {
    // These make libraries colour what no terminal shows: the program must not.
    const env = { ...process.env, FORCE_COLOR: '1', CI: 'true', NO_COLOR: undefined }
    super(process.execPath, [MAIN, ...args], { env })
    at_end(() => this.kill())
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

/**
 * Starts a server for all tests of a file that leave it as it was, and returns how to get it. Pages of the test before may still be
 * about to leave.
 */
export function use_server(): () => RunningServer {
  let server: RunningServer
  let end = async (): Promise<void> => {}
  beforeAll(async () => {
    const program = new Program(['--bind', '127.0.0.1:0', '--ws-bind', '127.0.0.1:0'], kill => {
      end = kill
    })
    server = await serving(program)
  })
  afterAll(() => end())
  return () => server
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
