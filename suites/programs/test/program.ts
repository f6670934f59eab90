import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Arrivals } from './arrivals.ts'

/** What a program tells: one line of its stdout. */
export type ProgramEvent =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'open'; readonly protocol: string }
  | { readonly event: 'refused'; readonly said: string }
  | { readonly event: 'text'; readonly text: string }
  | { readonly event: 'binary'; readonly bytes: Uint8Array }
  | { readonly event: 'close'; readonly code: number; readonly reason: string }

/** What a connection is asked for. */
export interface Wishes {
  readonly protocols: readonly string[]
  readonly compression: boolean | readonly DeflateOffer[]
}

/** An offer of permessage-deflate (RFC 7692 §7.1); only Python's websockets can be asked for any. */
export interface DeflateOffer {
  readonly server_no_context_takeover?: true
  readonly client_no_context_takeover?: true
  readonly server_max_window_bits?: number
  /** `true`: without a value. Python's websockets has it so by default. */
  readonly client_max_window_bits?: number | true | null
}

/** A program of somebody else, running; it has one connection at a time. */
export class Program {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #events = new Arrivals<ProgramEvent>()
  readonly #ended: Promise<unknown>
  #stderr = ''
  #has_connection = false

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env } })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    // A program that was killed takes no more commands.
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', line => this.#events.push(read_event(line)))
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#events.end(new Error(`${command} has ended (${code ?? signal}): ${this.#stderr}`))
    })
  }

  /** Whether it runs, and has no connection whose end it has not told. */
  get is_ready(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#has_connection
  }

  /** Opens a connection. */
  connect(url: string, wishes: Wishes): void {
    this.#tell({ do: 'connect', url, ...wishes })
  }

  /** Starts a server, in place of the one before, and tells its port. */
  async listen(wishes: Wishes): Promise<number> {
    this.#tell({ do: 'listen', ...wishes })
    const told = await this.next()
    if (told.event !== 'listening') throw new Error(`it does not listen: ${JSON.stringify(told)}`)
    return told.port
  }

  /** Sends a message. */
  send(data: string | Uint8Array): void {
    this.#tell({ do: typeof data === 'string' ? 'text' : 'binary', data: packed(data) })
  }

  /** Sends one text in several frames. */
  send_fragments(...parts: string[]): void {
    this.#tell({ do: 'fragments', parts: parts.map(packed) })
  }

  /** Sends a ping. */
  ping(): void {
    this.#tell({ do: 'ping' })
  }

  /** Starts the closing handshake. */
  close(code: number, reason: string): void {
    this.#tell({ do: 'close', code, reason: packed(reason) })
  }

  /** Ends the program on the spot, and waits until it has gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    this.#has_connection = false
    await this.#ended
  }

  /** What it tells next. */
  async next(): Promise<ProgramEvent> {
    const told = await this.#events.next()
    if (told.event === 'open') this.#has_connection = true
    if (told.event === 'close') this.#has_connection = false
    return told
  }

  /** The text that it tells next. */
  async next_text(): Promise<string> {
    const told = await this.next()
    if (told.event === 'text') return told.text
    throw new Error(`it was to tell a text, and told ${JSON.stringify(told)}`)
  }

  /** The message that it tells next. */
  async next_data(): Promise<string | Uint8Array> {
    const told = await this.next()
    if (told.event === 'text') return told.text
    if (told.event === 'binary') return told.bytes
    throw new Error(`it was to tell a message, and told ${JSON.stringify(told)}`)
  }

  /** The bytes that it tells next. */
  async next_bytes(): Promise<Uint8Array> {
    const told = await this.next()
    if (told.event === 'binary') return told.bytes
    throw new Error(`it was to tell bytes, and told ${JSON.stringify(told)}`)
  }

  /** Waits until it has told the end of its connection. */
  async until_closed(): Promise<void> {
    while (this.#has_connection) await this.next()
  }

  #tell(command: Readonly<Record<string, unknown>>): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
  }
}

function packed(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64')
}

function read_event(line: string): ProgramEvent {
  const { data, reason, ...told } = JSON.parse(line)
  if (told.event === 'text') return { ...told, text: Buffer.from(data, 'base64').toString() }
  if (told.event === 'binary') return { ...told, bytes: Buffer.from(data, 'base64') }
  if (told.event === 'close') return { ...told, reason: Buffer.from(reason, 'base64').toString() }
  return told
}
