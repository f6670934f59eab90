import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
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
/** Where samples listen, or connect to, as they stand. */
export const ADDRESS = '127.0.0.1:8081'
/** What stands in for it where it is to be a server: a free port. */
const ANY = '127.0.0.1:0'

/** Tells at which port a program listens, which says nothing of it; the program itself stays as it is. */
const TELLER = `
import { Server } from 'node:net'
const { emit } = Server.prototype
Server.prototype.emit = function (name, ...args) {
  if (name === 'listening') process.send(this.address().port)
  return emit.call(this, name, ...args)
}
process.channel.unref()
`

/** What of a sample is something else in a test: here it has to stand. */
export type Changes = Readonly<Record<string, string>>

/** A sample of a page, for the address given. */
export function code_of(page: string, name: string, address: string, changes: Changes = {}): string {
  let code = samples_of(readFileSync(join(DOCS, page), 'utf8')).get(name)
  if (code === undefined) throw new Error(`${page} has no sample ${name}`)
  const [host, port] = address.split(':')
  for (const [there, here] of Object.entries(changes)) {
    if (!code.includes(there)) throw new Error(`the sample ${name} of ${page} does not say: ${there}`)
    code = code.replaceAll(there, here)
  }
  return code
    .replaceAll(ADDRESS, address)
    .replaceAll('0.0.0.0:8081', address)
    .replaceAll("listen(8081, '127.0.0.1')", `listen(${port}, '${host}')`)
    .replaceAll('new Server(8081,', `new Server(${port},`)
}

/** The same as JavaScript. */
export function script_of(page: string, name: string, address: string, changes: Changes = {}): string {
  const compilerOptions = { module: ModuleKind.ESNext, target: ScriptTarget.ES2022 }
  return transpileModule(code_of(page, name, address, changes), { compilerOptions }).outputText
}

/** A sample at work, as a process of its own; it is killed when the test is over. */
export class Sample extends RunningProgram {
  readonly #port: Promise<number>

  /** `address`: where it connects to, or listens, at any port where there is none. */
  constructor(page: string, name: string, address: string = ANY, changes: Changes = {}) {
    const folder = mkdtempSync(join(inject('program_folder'), 'sample-'))
    const file = join(folder, 'sample.mjs')
    writeFileSync(file, script_of(page, name, address, changes))
    const teller = join(folder, 'teller.mjs')
    writeFileSync(teller, TELLER)
    super(process.execPath, ['--import', teller, file], { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] })
    this.#port = new Promise(resolve => this.child.once('message', resolve))
    onTestFinished(async () => {
      await this.stop('SIGKILL')
    })
  }

  /** Where it listens, once it does. */
  async address(): Promise<string> {
    const ended = this.all_written().then(written => {
      throw new Error(`it ended, and listens nowhere: ${written}`)
    })
    return `127.0.0.1:${await Promise.race([this.#port, ended])}`
  }
}

/** Starts a sample that is a server, and waits until it takes connections. */
export async function serve(
  page: string,
  name: string,
  changes: Changes = {},
): Promise<{ readonly sample: Sample; readonly address: string }> {
  const sample = new Sample(page, name, ANY, changes)
  return { sample, address: await sample.address() }
}

/** A server of the test's own, for a sample that is a client. */
export async function host(options: Partial<WsListenOptions>): Promise<WsServer> {
  const server = listen({ type: 'ws', bind: '127.0.0.1:0', on_error: () => {}, ...options })
  onTestFinished(async () => {
    server.close({ drain_ms: 0 })
    await server.closed
  })
  await server.opened
  return server
}

/** An http server that answers what samples fetch; returns its address. */
export async function answer_http(listener: RequestListener): Promise<string> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await new Promise(resolve => http.once('listening', resolve))
  onTestFinished(() => void http.close())
  return `127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** A client, and what it hears, one after the other. */
export interface Guest {
  readonly ws: WsClient
  hears(): Promise<string | undefined>
}

/** A client of the test's own, for a sample that is a server. */
export function guest(url: string, options: Partial<WsConnectOptions> = {}): Guest {
  const ws = connect({ type: 'ws', url, on_error: () => {}, ...options })
  onTestFinished(() => void ws.close())
  const messages = ws[Symbol.asyncIterator]()
  return { ws, hears: async () => (await messages.next()).value }
}
