import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { parse_target } from '@bt/ws-protocol'

/** What a client asked for in its handshake. */
export interface HandshakeRequest {
  /** The path, percent-encoded as it came. */
  readonly path: string
  /** The query; empty where there was none. */
  readonly query: URLSearchParams
  /** The headers, by lower-case name. */
  readonly headers: IncomingHttpHeaders
  /** The `Origin` header: the page a browser was on. Programs other than browsers can send any, or none. */
  readonly origin: string | undefined
  /** The subprotocol that was agreed on; empty where there is none. */
  readonly protocol: string
}

/** Keeps of a request what a socket shows of it, and not the request itself. */
export class Handshake implements HandshakeRequest {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly protocol: string
  readonly #query_text: string
  #query: URLSearchParams | undefined

  constructor({ headers, url = '' }: IncomingMessage, protocol: string) {
    const { path, query } = parse_target(url)
    this.path = path
    this.headers = headers
    this.protocol = protocol
    this.#query_text = query
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#query_text)
    return this.#query
  }

  get origin(): string | undefined {
    return this.headers.origin
  }
}
