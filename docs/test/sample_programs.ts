import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  connect,
  listen,
  type WsClient,
  type WsConnectOptions,
  type WsListenOptions,
  type WsServer,
} from '@bt/net'
import { RunningProgram } from '@bt/test-support/running_program'
import { samples_of } from '@bt/test-support/samples'
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript'
import { inject, onTestFinished } from 'vitest'

const DOCS = fileURLToPath(new URL('..', import.meta.url))
/** The address on which samples listen, or to which they connect, in the guides. */
export const SAMPLE_ADDRESS = '127.0.0.1:8081'
/** Replaces the address of a server: any free port. */
const ANY_PORT = '127.0.0.1:0'

/** Loaded before a server sample, whose code does not print its port: sends the port to the test. */
const PORT_REPORTER = `
import { Server } from 'node:net'
const { emit } = Server.prototype
Server.prototype.emit = function (name, ...args) {
  if (name === 'listening') process.send(this.address().port)
  return emit.call(this, name, ...args)
}
process.channel.unref()
`

/** Texts of a sample, with their replacements in a test. Each has to occur in the sample. */
export type Changes = Readonly<Record<string, string>>

/** Returns the code of a sample with another address, and with other changes. */
export function code_of(page: string, name: string, address: string, changes: Changes = {}): string {
  let code = samples_of(readFileSync(join(DOCS, page), 'utf8')).get(name)
  if (code === undefined) throw new Error(`${page} has no sample ${name}`)
  const [host, port] = address.split(':')
  for (const [original, replacement] of Object.entries(changes)) {
    if (!code.includes(original))
      throw new Error(`the sample ${name} of ${page} does not contain: ${original}`)
    code = code.replaceAll(original, replacement)
  }
  return code
    .replaceAll(SAMPLE_ADDRESS, address)
    .replaceAll('0.0.0.0:8081', address)
    .replaceAll("listen(8081, '127.0.0.1')", `listen(${port}, '${host}')`)
    .replaceAll('new Server(8081,', `new Server(${port},`)
}

/** Returns the code of a sample as JavaScript. */
export function script_of(page: string, name: string, address: string, changes: Changes = {}): string {
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 }
  return transpileModule(code_of(page, name, address, changes), { compilerOptions }).outputText
}

/** A sample that runs as a process. It is killed when the test ends. */
export class Sample extends RunningProgram {
  readonly #port: Promise<number>

  /** Starts a sample. `address` replaces the one in its code; by default, a server takes any free port. */
  constructor(page: string, name: string, address: string = ANY_PORT, changes: Changes = {}) {
    const folder = mkdtempSync(join(inject('program_folder'), 'sample-'))
    const file = join(folder, 'sample.mjs')
    writeFileSync(file, script_of(page, name, address, changes))
    const reporter = join(folder, 'port_reporter.mjs')
    writeFileSync(reporter, PORT_REPORTER)
    super(process.execPath, ['--import', reporter, file], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })
    this.#port = new Promise(resolve => this.child.once('message', resolve))
    onTestFinished(async () => {
      await this.stop('SIGKILL')
    })
  }

  /** Resolves with its address when it listens. */
  async address(): Promise<string> {
    const ended = this.all_written().then(written => {
      throw new Error(`the sample ended before it listened: ${written}`)
    })
    return `127.0.0.1:${await Promise.race([this.#port, ended])}`
  }
}

/** Starts a server sample, and waits until it listens. */
export async function serve(
  page: string,
  name: string,
  changes: Changes = {},
): Promise<{ readonly sample: Sample; readonly address: string }> {
  const sample = new Sample(page, name, ANY_PORT, changes)
  return { sample, address: await sample.address() }
}

/** Starts a server in the test, for a client sample. */
export async function start_server(options: Partial<WsListenOptions>): Promise<WsServer> {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', on_error: () => {}, ...options })
  onTestFinished(async () => {
    server.close({ drain_ms: 0 })
    await server.closed
  })
  await server.opened
  return server
}

/** Starts an HTTP server that answers the requests of samples, and resolves with its address. */
export function answer_http(listener: RequestListener): Promise<string> {
  return serve_http(createServer(listener))
}

/** Starts an HTTP server, of any kind, for samples, and resolves with its address. */
export async function serve_http(http: HttpServer): Promise<string> {
  http.listen(0, '127.0.0.1')
  await new Promise(resolve => http.once('listening', resolve))
  onTestFinished(() => void http.close())
  return `127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** A client of a server sample. */
export interface TestClient {
  readonly ws: WsClient
  next_message(): Promise<string | undefined>
}

/** Connects a client in the test to a server sample. */
export function connect_client(url: string, options: Partial<WsConnectOptions> = {}): TestClient {
  const ws = connect({ type: 'ws', url, on_error: () => {}, ...options })
  onTestFinished(() => void ws.close())
  const messages = ws[Symbol.asyncIterator]()
  return { ws, next_message: async () => (await messages.next()).value }
}
