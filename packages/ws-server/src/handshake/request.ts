import type { AbortSignalLike } from '@bt/ws-protocol'
import { type ClientEndpoint, format_endpoint } from './client_address.js'
import { type ClientCertificate, read_client_certificate } from './client_certificate.js'
import { type HandshakeHeaders, type PackedHeaders, unpack_headers } from './headers.js'
import { LazySignal } from './lazy_signal.js'
import { parse_target } from './route.js'

/** The handshake request of a client. */
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
  /**
   * The client's valid certificate; `undefined` if it has none, or was not asked for one: see
   * {@link TlsListenOptions.client_certificates}.
   */
  readonly certificate: ClientCertificate | undefined
}

/**
 * The platform's `AbortSignal` if its type is declared, so that it can be passed to `fetch`; otherwise the
 * part of it that is used.
 */
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
  /**
   * The subprotocols that the client offers, in its order of preference; {@link HandshakeRequest.protocol} is
   * the one that will be used.
   */
  readonly protocols: readonly string[]
  /**
   * Aborts when an answer is no longer needed: the client has left, `handshake_timeout` has passed, or the
   * server closes.
   */
  readonly signal: HandshakeSignal
}

/** The request of a client, as `socket.request` shows it. */
export class ClientRequest implements HandshakeRequest {
  readonly protocol: string
  readonly certificate: ClientCertificate | undefined
  #url: string
  #query: URLSearchParams | undefined
  /** The headers as received, or the shared part if they are packed. */
  #headers: HandshakeHeaders | string
  #own_headers = ''

  constructor(
    url: string,
    headers: HandshakeHeaders,
    protocol: string,
    certificate: ClientCertificate | undefined,
  ) {
    this.#url = url
    this.#headers = headers
    this.protocol = protocol
    this.certificate = certificate
  }

  /**
   * Returns a copy with packed headers, which take less memory and are rarely read after the handshake. `url`
   * is the same text, from a cache. A query that `authorize` has read, and perhaps changed, stays as it is.
   */
  packed(url: string, { shared, own }: PackedHeaders): ClientRequest {
    const packed = new ClientRequest(url, {}, this.protocol, this.certificate)
    packed.#query = this.#query
    packed.#headers = shared
    packed.#own_headers = own
    return packed
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
      this.#headers = unpack_headers({ shared: this.#headers, own: this.#own_headers })
    return this.#headers
  }

  get origin(): string | undefined {
    return this.headers.origin
  }
}

/**
 * The members of an `IncomingMessage` that are used here, so that the types of this package do not depend on
 * Node's.
 */
interface RequestMessage {
  readonly headers: Record<string, string | string[] | undefined>
  readonly url?: string | undefined
  readonly socket?: object
}

/** The request of a client during its handshake, as `authorize` gets it. */
export class PendingRequest extends ClientRequest implements AuthorizeRequest {
  readonly protocols: readonly string[]
  readonly #endpoint: ClientEndpoint
  readonly #signal = new LazySignal()

  /** `protocol` is the negotiated subprotocol, and `protocols` are those that the client offers. */
  constructor(
    { headers, url = '', socket }: RequestMessage,
    endpoint: ClientEndpoint,
    protocol: string,
    protocols: readonly string[],
  ) {
    // Node's type is a list for this header only, and it has no meaning in a request (RFC 6265 §4.1).
    if (headers['set-cookie'] !== undefined) delete headers['set-cookie']
    super(url, headers as HandshakeHeaders, protocol, read_client_certificate(socket))
    this.#endpoint = endpoint
    this.protocols = protocols
  }

  /** Returns the signal to abort. It is static, so that users of the request do not see it. */
  static signal_of(request: PendingRequest): LazySignal {
    return request.#signal
  }

  get addr(): string {
    return format_endpoint(this.#endpoint)
  }

  get signal(): HandshakeSignal {
    return this.#signal.signal
  }
}
