import type { IncomingMessage } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import { type Clock, deflate_offers, SESSION_PROTOCOL } from '@bt/ws-protocol/internal'
import { accept_deflate, close_frame, counting_bytes, type InboxBudget } from '@bt/ws-protocol/internal/node'
import { Authorizer } from './admission/authorizer.js'
import { EntryLimits } from './admission/entry_limits.js'
import { OriginGuard } from './admission/origin_guard.js'
import { acceptance_response } from './handshake/acceptance_response.js'
import type { AcceptedClient } from './handshake/accepted_client.js'
import {
  type ClientEndpoint,
  format_endpoint,
  forwarded_client,
  UNKNOWN_ENDPOINT,
} from './handshake/client_address.js'
import { address_of, type ClientStream } from './handshake/client_stream.js'
import type { Handshake, Verdict } from './handshake/handshake.js'
import type { ResponseHeaders } from './handshake/header_lines.js'
import { type HandshakeHeaders, pack_headers } from './handshake/headers.js'
import { ignore_error } from './handshake/ignore_error.js'
import {
  bad_handshake,
  handler_error,
  handler_failed,
  type Refusal,
  type RefusalNote,
  request_timed_out,
  shutting_down,
} from './handshake/refusal.js'
import { RefusalResponses, refusal_response } from './handshake/refusal_response.js'
import { PendingRequest } from './handshake/request.js'
import { parse_target, Route } from './handshake/route.js'
import { TextCache } from './handshake/text_cache.js'
import { type ProxyTrust, trusted_proxies } from './handshake/trusted_proxies.js'
import { agreed_protocol, offered_protocols, validate_handshake } from './handshake/validate.js'
import type { OwnHttpTarget } from './http/handshake_target.js'
import { format_unix_path, type HttpHost } from './http/http_host.js'
import { StreamTimeouts } from './http/stream_timeouts.js'
import type { ListenSettings } from './options.js'
import { sessions_settings } from './sessions/sessions_option.js'

/** What a {@link HandshakePipeline} reports, and the state of the server that it needs. */
export interface HandshakeEvents {
  /** The number of sockets, sessions that wait for their clients included. */
  readonly size: number
  /** The number of sessions that wait for their clients. */
  readonly held: number
  /** The memory limit for received data. */
  readonly inbox_budget: InboxBudget
  /** Called when a handshake is complete. */
  accepted(client: AcceptedClient): void
  /**
   * Called when a client was refused. `client` describes it, and is called only if the event has subscribers.
   */
  refused(note: RefusalNote, client: () => { readonly addr: string; readonly path: string | undefined }): void
  /** Reports an error to the user. */
  report(error: NetError): void
}

const LOOPBACK_IP = '127.0.0.1'

/** RFC 6455 §5.5: a Close has room for a reason of 123 bytes. */
const MAX_REASON_BYTES = 123

/** Cuts a text to what fits into a Close, at the end of a character. */
function cut_reason(text: string): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= MAX_REASON_BYTES) return text
  let end = MAX_REASON_BYTES
  while (((bytes[end] as number) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/**
 * Leads each handshake of one WebSocket server through its steps: validate, check the origin and the limits,
 * authorize, accept. Every client gets a response, and every connection is either accepted or ended.
 */
export class HandshakePipeline implements OwnHttpTarget {
  readonly route: Route
  readonly handshake_timeout: number
  readonly #settings: ListenSettings
  readonly #events: HandshakeEvents
  readonly #host: HttpHost
  readonly #shared_headers = new TextCache<string>(text => text)
  readonly #urls = new TextCache<string>(text => text)
  readonly #hosts = new TextCache<string>(text => text)
  readonly #deflate_offers = new TextCache(list => deflate_offers(list, 'client'))
  readonly #responses: RefusalResponses
  readonly #origins: OriginGuard
  readonly #proxies: ProxyTrust | undefined
  readonly #limits: EntryLimits
  readonly #authorizer: Authorizer
  readonly #request_timeouts: StreamTimeouts
  /** On a shared server or behind proxies, the request is needed to know the address of a client. */
  readonly #knows_address_before_request: boolean
  #is_closing = false

  constructor(settings: ListenSettings, clock: Clock, events: HandshakeEvents, host: HttpHost) {
    const { authorize, handshake_timeout, origins, route, trust_proxy } = settings
    const report = (error: NetError): void => events.report(error)
    this.route = new Route(route)
    this.handshake_timeout = handshake_timeout
    this.#settings = settings
    this.#events = events
    this.#host = host
    this.#responses = new RefusalResponses(handshake_timeout, clock)
    this.#request_timeouts = new StreamTimeouts(handshake_timeout, clock, stream =>
      this.refuse(stream, request_timed_out()),
    )
    this.#origins = new OriginGuard(origins, host.http, report)
    this.#proxies = trusted_proxies(trust_proxy)
    this.#limits = new EntryLimits(settings, clock)
    this.#knows_address_before_request = settings.server === undefined && this.#proxies === undefined
    this.#authorizer = new Authorizer(
      { authorize, handshake_timeout, inbox_budget: events.inbox_budget, clock },
      { decided: (handshake, verdict) => this.#on_decided(handshake, verdict), report },
    )
  }

  get is_closing(): boolean {
    return this.#is_closing
  }

  admits_connection(stream: ClientStream): boolean {
    return !this.#knows_address_before_request || this.#limits.count_connection(stream, address_of(stream))
  }

  connected(stream: ClientStream): void {
    this.#request_timeouts.add(stream)
  }

  start_handshake(message: IncomingMessage, stream: ClientStream, head: Buffer): void {
    const refusal =
      validate_handshake(message) ??
      this.#validate_extensions(message) ??
      (this.#is_closing ? shutting_down() : undefined)
    if (refusal !== undefined) this.refuse(stream, refusal, message)
    else this.#admit(this.#create_handshake(message, stream, head))
  }

  refuse(stream: ClientStream, refusal: Refusal, message?: IncomingMessage): void {
    this.#respond(stream, refusal, refusal_response(refusal), message)
  }

  #respond(
    stream: ClientStream,
    note: RefusalNote,
    response: string | Uint8Array,
    message?: IncomingMessage,
  ): void {
    stream.on('error', ignore_error)
    this.refused(note, stream, message)
    const may_linger =
      this.#knows_address_before_request ||
      this.#limits.count_connection(stream, this.#endpoint_of(stream, message))
    this.#responses.end(stream, response, may_linger)
  }

  refused(note: RefusalNote, stream: ClientStream, message?: IncomingMessage): void {
    this.#request_timeouts.remove(stream)
    this.#events.refused(note, () => ({
      addr: format_endpoint(this.#endpoint_of(stream, message)),
      path: message?.url === undefined ? undefined : parse_target(message.url).path,
    }))
  }

  dropped(reason: 'over_limit' | 'over_ip_limit', addr: string): void {
    this.#events.refused({ reason }, () => ({ addr, path: undefined }))
  }

  destroy_idle_connections(): void {
    this.#request_timeouts.destroy_all()
  }

  /** Stops accepting clients, and refuses those that wait for `authorize`. */
  close(): void {
    this.#is_closing = true
    this.#authorizer.close()
    this.#responses.end_early()
  }

  #create_handshake(message: IncomingMessage, stream: ClientStream, head: Buffer): Handshake {
    const listed = offered_protocols(message.headers['sec-websocket-protocol']) ?? []
    const has_sessions = sessions_settings(this.#settings.sessions) !== undefined
    const is_session = has_sessions && listed.includes(SESSION_PROTOCOL)
    const offered = is_session ? listed.filter(name => name !== SESSION_PROTOCOL) : listed
    const protocol = agreed_protocol(this.#settings.protocols, offered)
    const endpoint = this.#endpoint_of(stream, message)
    const request = new PendingRequest(message, this.route, endpoint, protocol, offered)
    const elapsed_ms = this.#request_timeouts.remove(stream)
    return { message, stream, head, request, endpoint, is_session, elapsed_ms }
  }

  #endpoint_of(stream: ClientStream, message: IncomingMessage | undefined): ClientEndpoint {
    const headers = (message?.headers ?? {}) as HandshakeHeaders
    const peer = address_of(stream)
    const unix_path = peer === undefined ? format_unix_path(this.#host.http) : undefined
    // The peer of a Unix socket is on this machine.
    const peer_ip = peer?.ip ?? (unix_path === undefined ? undefined : LOOPBACK_IP)
    const address = (this.#proxies && forwarded_client(headers, this.#proxies, peer_ip)) ?? peer
    // V8 keeps the whole header alive for an address that is a slice of it, so the address is copied.
    if (address !== undefined) return { ip: this.#hosts.of(address.ip), port: address.port }
    return unix_path ?? UNKNOWN_ENDPOINT
  }

  #admit(handshake: Handshake): void {
    const { held, size } = this.#events
    // The client of a session that waits takes no further place. Whether it is one is known later.
    const connections = size - (handshake.is_session ? held : 0) + this.#authorizer.waiting
    const refusal = this.#check_origin(handshake) ?? this.#limits.admit(handshake, connections)
    if (refusal !== undefined) this.refuse(handshake.stream, refusal, handshake.message)
    else this.#authorizer.decide(handshake)
  }

  /** Parses the offered extensions; without `compression`, no offer can be accepted, so none is parsed. */
  #deflate_offers_of({ headers }: IncomingMessage): readonly string[] | undefined {
    const list = headers['sec-websocket-extensions']
    return this.#settings.compression === false || list === undefined ? [] : this.#deflate_offers.of(list)
  }

  #validate_extensions(message: IncomingMessage): Refusal | undefined {
    return this.#deflate_offers_of(message) === undefined
      ? bad_handshake('the Sec-WebSocket-Extensions header is not a list of extensions')
      : undefined
  }

  #check_origin({ request, stream }: Handshake): Refusal | undefined {
    try {
      return this.#origins.check(request, stream)
    } catch (error) {
      this.#events.report(handler_error('origins', error))
      return handler_failed()
    }
  }

  #on_decided(handshake: Handshake, verdict: Verdict): void {
    const { message, stream, request } = handshake
    PendingRequest.release(request)
    if (verdict.name === 'refused') this.#refuse(handshake, verdict.refusal)
    else if (verdict.name === 'left') this.#on_client_left(handshake)
    // `authorize` may have closed the server.
    else if (this.#is_closing) this.refuse(stream, shutting_down(), message)
    else if (!stream.readable || !stream.writable) this.#on_client_left(handshake)
    else this.#accept(handshake, verdict.data, verdict.headers)
  }

  /** Refuses a client; a page learns the reason from a Close, if there is a code for it. */
  #refuse({ message, stream, request, is_session }: Handshake, refusal: Refusal): void {
    const { text, close_code } = refusal
    if (close_code === undefined || request.origin === undefined) this.refuse(stream, refusal, message)
    else {
      const key = message.headers['sec-websocket-key'] ?? ''
      // A browser that offers subprotocols fails the connection, and hides the Close, unless one is chosen.
      const protocol = is_session ? SESSION_PROTOCOL : request.protocol || (request.protocols[0] ?? '')
      const response = acceptance_response(key, protocol, '')
      const close = close_frame(close_code, cut_reason(text))
      this.#respond(stream, refusal, Buffer.concat([Buffer.from(response), close]), message)
    }
  }

  #accept(
    { message, stream, head, request, endpoint, is_session }: Handshake,
    data: unknown,
    own_headers: ResponseHeaders,
  ): void {
    const { headers, url = '' } = message
    const deflate = accept_deflate(this.#deflate_offers_of(message) ?? [])
    const key = headers['sec-websocket-key'] ?? ''
    const protocol = is_session ? SESSION_PROTOCOL : request.protocol
    stream.write(acceptance_response(key, protocol, deflate?.answer ?? '', own_headers))
    // The wire handles errors from now on.
    stream.off('error', ignore_error)
    if (stream.isPaused()) stream.resume()
    this.#host.release(stream)
    const { shared, own } = pack_headers(headers)
    this.#events.accepted({
      stream: counting_bytes(stream),
      head,
      deflate: deflate?.parameters,
      request: request.packed(this.#urls.of(url), { shared: this.#shared_headers.of(shared), own }),
      endpoint,
      is_session,
      data,
    })
  }

  #on_client_left({ stream, message }: Handshake): void {
    stream.on('error', ignore_error)
    this.refused({ reason: 'client_left' }, stream, message)
    stream.destroy()
  }
}
