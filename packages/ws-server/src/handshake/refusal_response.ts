import { type OutgoingHttpHeaders, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '@bt/ws-protocol/internal'
import { header_lines } from './header_lines.js'
import type { Refusal } from './refusal.js'

/** Sends the responses to refused clients, and ends each of their sockets. */
export class RefusalResponses {
  /** The time that a client gets to read the response before its connection is destroyed. */
  readonly #linger_ms: number
  readonly #clock: Clock
  readonly #streams = new Set<Duplex>()
  #is_closing = false

  constructor(linger_ms: number, clock: Clock) {
    this.#linger_ms = linger_ms
    this.#clock = clock
  }

  /**
   * Writes a response to the stream, and ends it. Unless it may linger, it is destroyed as soon as the
   * response is sent.
   */
  end(stream: Duplex, response: string | Uint8Array, may_linger: boolean): void {
    stream.end(response)
    this.#linger(stream)
    if (!may_linger || this.#is_closing) destroy_when_sent(stream)
  }

  /** Destroys each stream as soon as its response is sent, now and from now on. */
  end_early(): void {
    this.#is_closing = true
    for (const stream of this.#streams) destroy_when_sent(stream)
  }

  #linger(stream: Duplex): void {
    // Data that the client still sends is read and dropped. Unread data would make the kernel send a reset,
    // which can discard the response.
    stream.resume()
    this.#streams.add(stream)
    const cancel = this.#clock.start_timer(this.#linger_ms, () => stream.destroy())
    stream.once('close', () => {
      cancel()
      this.#streams.delete(stream)
    })
  }
}

/** Does what `destroySoon` does for a socket, also for other streams. */
function destroy_when_sent(stream: Duplex): void {
  if (stream.writableFinished) stream.destroy()
  else stream.once('finish', () => stream.destroy())
}

/** Returns the whole response to a refused client. */
export function refusal_response(refusal: Refusal): string {
  const { status, text } = refusal
  const lines = header_lines(response_headers(refusal))
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}\r\n${text}`
}

/**
 * Returns the headers of a response, which always closes the connection. Connection has to list an Upgrade
 * header (RFC 9110 §7.8).
 */
export function response_headers({ text, headers = {} }: Refusal): OutgoingHttpHeaders {
  return {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    ...(headers as OutgoingHttpHeaders),
    Connection: 'Upgrade' in headers ? 'close, Upgrade' : 'close',
  }
}
