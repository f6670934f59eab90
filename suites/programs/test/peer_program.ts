import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { AsyncQueue } from './async_queue.ts'

/** An event that a program reports, as one line of its stdout. */
export type PeerEvent =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'open'; readonly protocol: string }
  | { readonly event: 'refused'; readonly error: string }
  | { readonly event: 'text'; readonly text: string }
  | { readonly event: 'binary'; readonly bytes: Uint8Array }
  | { readonly event: 'close'; readonly code: number; readonly reason: string }

/** The options of a program's client or server. */
export interface PeerOptions {
  readonly protocols: readonly string[]
  readonly compression: boolean | readonly DeflateOffer[]
  /** Extra headers of a client's handshake. Only our own client supports them. */
  readonly headers?: Readonly<Record<string, string>>
}

/** An offer of permessage-deflate (RFC 7692 §7.1). Only Python's websockets supports a list of offers. */
export interface DeflateOffer {
  readonly server_no_context_takeover?: true
  readonly client_no_context_takeover?: true
  readonly server_max_window_bits?: number
  /** `true` offers the parameter without a value, which is the default of Python's websockets. */
  readonly client_max_window_bits?: number | true | null
}

/** A running program with a WebSocket that is not ours. It has one connection at a time. */
export class PeerProgram {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #events = new AsyncQueue<PeerEvent>()
  readonly #ended: Promise<unknown>
  #stderr = ''
  #has_connection = false

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn(command, args, { env: { ...process.env, ...env } })
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    // Writing to a program that was killed fails.
    this.#child.stdin.on('error', () => {})
    createInterface({ input: this.#child.stdout }).on('line', line => this.#events.push(parse_event(line)))
    this.#ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#events.fail(new Error(`${command} has ended (${code ?? signal}): ${this.#stderr}`))
    })
  }

  /** Whether it runs, and has reported the close of each connection. */
  get is_ready(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && !this.#has_connection
  }

  /** Opens a connection. */
  connect(url: string, options: PeerOptions): void {
    this.#write({ command: 'connect', url, ...options })
  }

  /** Starts a server that replaces the previous one, and returns its port. */
  async listen(options: PeerOptions): Promise<number> {
    this.#write({ command: 'listen', ...options })
    const event = await this.next()
    if (event.event !== 'listening') throw new Error(`it does not listen: ${JSON.stringify(event)}`)
    return event.port
  }

  /** Sends a message. */
  send(data: string | Uint8Array): void {
    this.#write({ command: typeof data === 'string' ? 'text' : 'binary', data: encode(data) })
  }

  /** Sends one text in several frames. */
  send_fragments(...parts: string[]): void {
    this.#write({ command: 'fragments', parts: parts.map(encode) })
  }

  ping(): void {
    this.#write({ command: 'ping' })
  }

  /** Starts the closing handshake. */
  close(code: number, reason: string): void {
    this.#write({ command: 'close', code, reason: encode(reason) })
  }

  /** Kills the program with SIGKILL, and waits until it has ended. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    this.#has_connection = false
    await this.#ended
  }

  /** Waits for the next event. */
  async next(): Promise<PeerEvent> {
    const event = await this.#events.next()
    if (event.event === 'open') this.#has_connection = true
    if (event.event === 'close') this.#has_connection = false
    return event
  }

  /** Waits for the next event, which must be a text. */
  async next_text(): Promise<string> {
    const event = await this.next()
    if (event.event === 'text') return event.text
    throw new Error(`expected a text instead of ${JSON.stringify(event)}`)
  }

  /** Waits for the next event, which must be a message. */
  async next_data(): Promise<string | Uint8Array> {
    const event = await this.next()
    if (event.event === 'text') return event.text
    if (event.event === 'binary') return event.bytes
    throw new Error(`expected a message instead of ${JSON.stringify(event)}`)
  }

  /** Waits for the next event, which must be a binary message. */
  async next_bytes(): Promise<Uint8Array> {
    const event = await this.next()
    if (event.event === 'binary') return event.bytes
    throw new Error(`expected bytes instead of ${JSON.stringify(event)}`)
  }

  /** Waits until it has reported the close of its connection, if it has one. */
  async wait_until_closed(): Promise<void> {
    while (this.#has_connection) await this.next()
  }

  #write(command: Readonly<Record<string, unknown>>): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
  }
}

function encode(data: string | Uint8Array): string {
  return Buffer.from(data as string).toString('base64')
}

function parse_event(line: string): PeerEvent {
  const { data, reason, ...event } = JSON.parse(line)
  if (event.event === 'text') return { ...event, text: Buffer.from(data, 'base64').toString() }
  if (event.event === 'binary') return { ...event, bytes: Buffer.from(data, 'base64') }
  if (event.event === 'close') return { ...event, reason: Buffer.from(reason, 'base64').toString() }
  return event
}
