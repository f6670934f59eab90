import type { PlatformAbortSignal } from '@bt/ws-protocol'
import { type ClientEndpoint, format_endpoint } from './client_address.js'
import { type ClientCertificate, read_client_certificate } from './client_certificate.js'
import { type HandshakeHeaders, type PackedHeaders, unpack_headers } from './headers.js'
import { LazySignal } from './lazy_signal.js'
import { parse_cookies } from './parse_cookies.js'
import { NO_PARAMS, parse_target, Route, type RouteParams } from './route.js'

/** The handshake request of a client. */
export interface HandshakeRequest {
  /** The path with the query, as received. */
  readonly url: string
  /** The path, percent-encoded as received. */
  readonly path: string
  /**
   * The parameters in the path, by name: `'/rooms/a%2Fb'` on the route `'/rooms/:room'` has the room `'a/b'`.
   * They are percent-decoded and never empty, and may contain any character.
   */
  readonly params: RouteParams
  /** The query; empty if there is none. */
  readonly query: URLSearchParams
  /** The headers. */
  readonly headers: HandshakeHeaders
  /**
   * The cookies, by name, percent-decoded if possible; of several with one name, the first (RFC 6265 §5.4).
   */
  readonly cookies: Readonly<Record<string, string | undefined>>
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
  readonly signal: PlatformAbortSignal
  /**
   * Node's `IncomingMessage`, for middleware that takes one, such as a session store. It is gone when the
   * handshake is decided, so that a request that is kept holds no connection.
   */
  readonly raw: RawRequest
}

/** The members of Node's `IncomingMessage` that need no types of Node; cast it for the others. */
export interface RawRequest {
  /** The headers, by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The names and values of the headers, alternating, as received. */
  readonly rawHeaders: readonly string[]
  /** The path with the query, as received. */
  readonly url?: string | undefined
  /** The connection. */
  readonly socket: object
}

/** The request of a client, as `socket.request` shows it. */
export class ClientRequest implements HandshakeRequest {
  readonly protocol: string
  readonly certificate: ClientCertificate | undefined
  #url: string
  /** The parameters, or the route until they are first read. */
  #params: RouteParams | Route
  #query: URLSearchParams | undefined
  /** The headers as received, or the shared part if they are packed. */
  #headers: HandshakeHeaders | string
  #own_headers = ''

  constructor(
    url: string,
    route: RouteParams | Route,
    headers: HandshakeHeaders,
    protocol: string,
    certificate: ClientCertificate | undefined,
  ) {
    this.#url = url
    this.#params = route
    this.#headers = headers
    this.protocol = protocol
    this.certificate = certificate
  }

  /**
   * Returns a copy with packed headers, which take less memory and are rarely read after the handshake. `url`
   * is the same text, from a cache. A query that `authorize` has read, and perhaps changed, stays as it is.
   */
  packed(url: string, { shared, own }: PackedHeaders): ClientRequest {
    const packed = new ClientRequest(url, this.#params, {}, this.protocol, this.certificate)
    packed.#query = this.#query
    packed.#headers = shared
    packed.#own_headers = own
    return packed
  }

  get url(): string {
    return this.#url
  }

  get path(): string {
    return parse_target(this.#url).path
  }

  get params(): RouteParams {
    if (this.#params instanceof Route) this.#params = this.#params.params_of(this.path) ?? NO_PARAMS
    return this.#params
  }

  get cookies(): Readonly<Record<string, string | undefined>> {
    return parse_cookies(this.headers.cookie)
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

/** A raw request whose headers can be changed. */
interface RequestMessage extends RawRequest {
  readonly headers: Record<string, string | string[] | undefined>
}

/** The request of a client during its handshake, as `authorize` gets it. */
export class PendingRequest extends ClientRequest implements AuthorizeRequest {
  readonly protocols: readonly string[]
  #raw: RawRequest
  readonly #endpoint: ClientEndpoint
  readonly #signal = new LazySignal()

  /** `protocol` is the negotiated subprotocol, and `protocols` are those that the client offers. */
  constructor(
    raw: RequestMessage,
    route: Route,
    endpoint: ClientEndpoint,
    protocol: string,
    protocols: readonly string[],
  ) {
    const { headers, url = '', socket } = raw
    // Node's type is a list for this header only, and it has no meaning in a request (RFC 6265 §4.1).
    if (headers['set-cookie'] !== undefined) delete headers['set-cookie']
    super(url, route, headers as HandshakeHeaders, protocol, read_client_certificate(socket))
    this.#raw = raw
    this.#endpoint = endpoint
    this.protocols = protocols
  }

  /** Returns the signal to abort. It is static, so that users of the request do not see it. */
  static signal_of(request: PendingRequest): LazySignal {
    return request.#signal
  }

  /** Forgets the raw request with its socket, since a user may keep the request. */
  static release(request: PendingRequest): void {
    request.#raw = { headers: request.headers, rawHeaders: [], url: request.url, socket: {} }
  }

  get raw(): RawRequest {
    return this.#raw
  }

  get addr(): string {
    return format_endpoint(this.#endpoint)
  }

  get signal(): PlatformAbortSignal {
    return this.#signal.signal
  }
}
