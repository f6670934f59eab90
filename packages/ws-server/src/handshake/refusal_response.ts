import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Refusal } from './refusal.js'

/** Sends the responses to refused clients, and ends each of their sockets. */
export class RefusalResponses {
  /** How long a client that keeps its end open has to read its answer. */
  readonly #linger_ms: number
  readonly #streams = new Set<Duplex>()
  #is_hurried = false

  constructor(linger_ms: number) {
    this.#linger_ms = linger_ms
  }

  /** Answers on the bare socket, and ends it; unless it may linger, without waiting until the client has read the answer. */
  end(stream: Duplex, refusal: Refusal, may_linger: boolean): void {
    const { status, text } = refusal
    const lines = Object.entries(answer_headers(refusal)).map(([name, value]) => `${name}: ${value}\r\n`)
    stream.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${text}`)
    this.#linger(stream)
    if (!may_linger || this.#is_hurried) destroy_when_sent(stream)
  }

  /** Waits for nobody any more: what was answered is handed to the network, and then each socket ends. */
  hurry(): void {
    this.#is_hurried = true
    for (const stream of this.#streams) destroy_when_sent(stream)
  }

  #linger(stream: Duplex): void {
    // What the client still sends is read and dropped: unread bytes would turn the end into a reset that overtakes the answer.
    stream.resume()
    this.#streams.add(stream)
    const timer = setTimeout(() => stream.destroy(), this.#linger_ms)
    stream.once('close', () => {
      clearTimeout(timer)
      this.#streams.delete(stream)
    })
  }
}

/** As `destroySoon` of a socket of `node:net`, which a client's stream need not be. */
function destroy_when_sent(stream: Duplex): void {
  if (stream.writableFinished) stream.destroy()
  else stream.once('finish', () => stream.destroy())
}

/** Every answer ends the connection; one with an Upgrade header has to name that in Connection too (RFC 9110 §7.8). */
export function answer_headers({ text, headers = {} }: Refusal): Record<string, string | number> {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...headers,
    Connection: 'Upgrade' in headers ? 'close, Upgrade' : 'close',
  }
}
