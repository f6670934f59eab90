import { type AbortSignalLike, parse_target } from '@bt/ws-protocol'
import { type ClientPlace, show_place } from './client_address.js'
import { type ClientCertificate, read_client_certificate } from './client_certificate.js'
import type { LateSignal } from './late_signal.js'
import { type PackedHeaders, unpacked_headers } from './packed_headers.js'

/** The headers of a request, by lower-case name. If a name occurs twice, its values are joined (RFC 9110 §5.3), or the first one counts. */
export type HandshakeHeaders = Readonly<Record<string, string | undefined>>

/** What a client asked for in its handshake. */
export interface HandshakeRequest {
  /** The path, percent-encoded as received. */
  readonly path: string
  /** The query; empty if there is none. */
  readonly query: URLSearchParams
  /** The headers. */
  readonly headers: HandshakeHeaders
  /** The `Origin` header, which browsers set to that of the page. Other programs can send any, or none. */
  readonly origin: string | undefined
  /** The negotiated subprotocol; empty if there is none. */
  readonly protocol: string
  /** The client's valid certificate; `undefined` if it has none, or was not asked for one: see {@link TlsListenOptions.client_certificates}. */
  readonly certificate: ClientCertificate | undefined
}

/** The platform's own `AbortSignal` if its types are known, so that it can be passed to `fetch`; otherwise the part of it that is used. */
export type HandshakeSignal = typeof globalThis extends {
  /** The platform's class. */
  readonly AbortSignal: {
    /** An instance. */
    readonly prototype: infer Signal extends AbortSignalLike
  }
}
  ? Signal
  : AbortSignalLike

/** A handshake that `authorize` decides about. */
export interface AuthorizeRequest extends HandshakeRequest {
  /** The client's address, as {@link WsSocket.addr} will be. */
  readonly addr: string
  /** The subprotocols that the client offers, in its order of preference; {@link HandshakeRequest.protocol} is the one that will be used. */
  readonly protocols: readonly string[]
  /** Aborts when an answer is no longer needed: the client has left, `handshake_timeout` has passed, or the server closes. */
  readonly signal: HandshakeSignal
}

/** What is read of a request of `node:http`, so that whoever uses the types of this package needs none of Node. */
interface RequestHead {
  readonly headers: Record<string, string | string[] | undefined>
  readonly url?: string | undefined
  readonly socket?: object
}

/** Keeps of a request what a socket shows of it, and not the request itself. */
export class Handshake implements HandshakeRequest {
  readonly protocol: string
  readonly certificate: ClientCertificate | undefined
  #url: string
  #query: URLSearchParams | undefined
  /** As they were read; or, once they are packed, those that many clients share. */
  #headers: HandshakeHeaders | string
  #own_headers = ''

  constructor({ headers, url = '', socket }: RequestHead, protocol: string) {
    // The one header that Node gives as a list, and that no request has (RFC 6265 §4.1).
    if (headers['set-cookie'] !== undefined) delete headers['set-cookie']
    this.#url = url
    this.#headers = headers as HandshakeHeaders
    this.protocol = protocol
    this.certificate = read_client_certificate(socket)
  }

  /** Keeps the headers packed from now on, since most are never read again; and `url`, which is the same text, but may be that of other clients too. */
  pack(url: string, { shared, own }: PackedHeaders): void {
    this.#url = url
    this.#headers = shared
    this.#own_headers = own
  }

  get path(): string {
    return parse_target(this.#url).path
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(parse_target(this.#url).query)
    return this.#query
  }

  get headers(): HandshakeHeaders {
    if (typeof this.#headers === 'string')
      this.#headers = unpacked_headers({ shared: this.#headers, own: this.#own_headers })
    return this.#headers
  }

  get origin(): string | undefined {
    return this.headers.origin
  }
}

/** A handshake as `authorize` gets it: what a socket keeps of it, and what is of use before there is one. */
export class PendingHandshake implements AuthorizeRequest {
  readonly protocols: readonly string[]
  readonly #handshake: Handshake
  readonly #place: ClientPlace
  readonly #signal: LateSignal

  constructor(handshake: Handshake, place: ClientPlace, protocols: readonly string[], signal: LateSignal) {
    this.#handshake = handshake
    this.#place = place
    this.protocols = protocols
    this.#signal = signal
  }

  get addr(): string {
    return show_place(this.#place)
  }

  get signal(): HandshakeSignal {
    return this.#signal.signal
  }

  get path(): string {
    return this.#handshake.path
  }

  get query(): URLSearchParams {
    return this.#handshake.query
  }

  get headers(): HandshakeHeaders {
    return this.#handshake.headers
  }

  get origin(): string | undefined {
    return this.#handshake.origin
  }

  get protocol(): string {
    return this.#handshake.protocol
  }

  get certificate(): ClientCertificate | undefined {
    return this.#handshake.certificate
  }
}
