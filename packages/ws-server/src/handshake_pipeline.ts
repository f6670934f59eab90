import type { IncomingMessage } from 'node:http'
import type { NetError } from '@bt/ws-protocol'
import { deflate_offers } from '@bt/ws-protocol/internal'
import {
  accept_deflate,
  counting_bytes,
  type InboxBudget,
  node_platform,
} from '@bt/ws-protocol/internal/node'
import { Authorizer } from './admission/authorizer.js'
import { EntryLimits } from './admission/entry_limits.js'
import { OriginGuard } from './admission/origin_guard.js'
import { acceptance } from './handshake/acceptance_response.js'
import type { AcceptedClient } from './handshake/accepted_client.js'
import {
  type ClientPlace,
  forwarded_client,
  show_place,
  type TrustedProxies,
  trusted_proxies,
  UNKNOWN_PLACE,
} from './handshake/client_address.js'
import { address_of, type ClientStream } from './handshake/client_stream.js'
import type { Handshake, Verdict } from './handshake/handshake.js'
import { type HandshakeHeaders, packed_headers } from './handshake/headers.js'
import { ignore_error } from './handshake/ignore_error.js'
import {
  bad_handshake,
  handler_error,
  handler_failed,
  type Refusal,
  type RefusalNote,
  shutting_down,
  too_late,
} from './handshake/refusal.js'
import { RefusalResponses } from './handshake/refusal_response.js'
import { PendingRequest } from './handshake/request.js'
import { parse_target } from './handshake/route.js'
import { TextCache } from './handshake/text_cache.js'
import { agreed_protocol, offered_protocols, validate_handshake } from './handshake/validate.js'
import { Arrivals } from './http/arrivals.js'
import type { OwnHttpTarget } from './http/handshake_target.js'
import { type HttpHost, shown_unix_path } from './http/http_host.js'
import type { ListenSettings } from './options.js'

/** Where a handshake pipeline delivers, and what it asks. */
export interface HandshakeEvents {
  /** The number of sockets. */
  readonly size: number
  /** The limit for what has come in. */
  readonly inbox_budget: InboxBudget
  /** A handshake is done. */
  accepted(client: AcceptedClient): void
  /** A client was refused; `client` says which, for subscribers to that event. */
  refused(note: RefusalNote, client: () => { readonly addr: string; readonly path: string | undefined }): void
  /** Something failed. */
  report(error: NetError): void
}

/**
 * The way of each handshake of one WebSocket server: validate, check the origin and the limits, authorize, accept. Every client gets an answer, and
 * every socket ends.
 */
export class HandshakePipeline implements OwnHttpTarget {
  /** The path of its handshakes. */
  readonly route: string
  /** How long a handshake may take, in milliseconds. */
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
  readonly #proxies: TrustedProxies | undefined
  readonly #limits: EntryLimits
  readonly #authorizer: Authorizer
  readonly #arrivals: Arrivals
  /** On a server that is shared, or behind proxies, a client's address is known only with its request. */
  readonly #knows_addresses_at_once: boolean
  #is_closing = false

  constructor(settings: ListenSettings, events: HandshakeEvents, host: HttpHost) {
    const { authorize, handshake_timeout, origins, route, trust_proxy } = settings
    const report = (error: NetError): void => events.report(error)
    this.route = route
    this.handshake_timeout = handshake_timeout
    this.#settings = settings
    this.#events = events
    this.#host = host
    this.#responses = new RefusalResponses(handshake_timeout)
    this.#arrivals = new Arrivals(handshake_timeout, node_platform.clock, stream =>
      this.refuse(stream, too_late()),
    )
    this.#origins = new OriginGuard(origins, host.http, report)
    this.#proxies = trusted_proxies(trust_proxy)
    this.#limits = new EntryLimits(settings)
    this.#knows_addresses_at_once = settings.server === undefined && this.#proxies === undefined
    this.#authorizer = new Authorizer(
      { authorize, handshake_timeout, inbox_budget: events.inbox_budget },
      { decided: (handshake, verdict) => this.#decided(handshake, verdict), report },
    )
  }

  get is_closing(): boolean {
    return this.#is_closing
  }

  may_stay(stream: ClientStream): boolean {
    return !this.#knows_addresses_at_once || this.#limits.keep(stream, address_of(stream))
  }

  arrived(stream: ClientStream): void {
    this.#arrivals.add(stream)
  }

  take(message: IncomingMessage, stream: ClientStream, head: Buffer): void {
    const refusal =
      validate_handshake(message) ??
      this.#validate_extensions(message) ??
      (this.#is_closing ? shutting_down() : undefined)
    if (refusal !== undefined) this.refuse(stream, refusal, message)
    else this.#admit(this.#begin(message, stream, head))
  }

  refuse(stream: ClientStream, refusal: Refusal, message?: IncomingMessage): void {
    stream.on('error', ignore_error)
    this.refused(refusal, stream, message)
    const may_linger =
      this.#knows_addresses_at_once || this.#limits.keep(stream, this.#locate(stream, message))
    this.#responses.end(stream, refusal, may_linger)
  }

  refused(note: RefusalNote, stream: ClientStream, message?: IncomingMessage): void {
    this.#arrivals.take(stream)
    this.#events.refused(note, () => ({
      addr: show_place(this.#locate(stream, message)),
      path: message?.url === undefined ? undefined : parse_target(message.url).path,
    }))
  }

  dropped(reason: 'over_limit' | 'over_ip_limit', addr: string): void {
    this.#events.refused({ reason }, () => ({ addr, path: undefined }))
  }

  drop_arrivals(): void {
    this.#arrivals.drop_all()
  }

  /** Accepts no client from now on, and refuses those that wait. */
  close(): void {
    this.#is_closing = true
    this.#authorizer.close()
    this.#responses.hurry()
  }

  #begin(message: IncomingMessage, stream: ClientStream, head: Buffer): Handshake {
    const offered = offered_protocols(message.headers['sec-websocket-protocol']) ?? []
    const protocol = agreed_protocol(this.#settings.protocols, offered)
    const place = this.#locate(stream, message)
    const request = new PendingRequest(message, place, protocol, offered)
    return { message, stream, head, request, place, waited_ms: this.#arrivals.take(stream) }
  }

  #locate(stream: ClientStream, message: IncomingMessage | undefined): ClientPlace {
    const headers = (message?.headers ?? {}) as HandshakeHeaders
    const address = (this.#proxies && forwarded_client(headers, this.#proxies)) ?? address_of(stream)
    // An address from a header is a part of that text, and would keep all of it alive.
    if (address !== undefined) return { ip: this.#hosts.of(address.ip), port: address.port }
    return shown_unix_path(this.#host.http) ?? UNKNOWN_PLACE
  }

  #admit(handshake: Handshake): void {
    const connections = this.#events.size + this.#authorizer.waiting
    const refusal = this.#check_origin(handshake) ?? this.#limits.enter(handshake, connections)
    if (refusal !== undefined) this.refuse(handshake.stream, refusal, handshake.message)
    else this.#authorizer.decide(handshake)
  }

  /** Without the option `compression`, no offer can be accepted, whatever it is. */
  #offers({ headers }: IncomingMessage): readonly string[] | undefined {
    const list = headers['sec-websocket-extensions']
    return this.#settings.compression === false || list === undefined ? [] : this.#deflate_offers.of(list)
  }

  #validate_extensions(message: IncomingMessage): Refusal | undefined {
    return this.#offers(message) === undefined
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

  #decided(handshake: Handshake, verdict: Verdict): void {
    const { message, stream } = handshake
    if (verdict.name === 'refused') this.refuse(stream, verdict.refusal, message)
    else if (verdict.name === 'left' || !stream.readable || !stream.writable) this.#left(handshake)
    // A callback may have closed the server meanwhile.
    else if (this.#is_closing) this.refuse(stream, shutting_down(), message)
    else this.#accept(handshake, verdict.data)
  }

  #accept({ message, stream, head, request, place }: Handshake, data: unknown): void {
    const { headers, url = '' } = message
    const deflate = accept_deflate(this.#offers(message) ?? [])
    const key = headers['sec-websocket-key'] ?? ''
    stream.write(acceptance(key, request.protocol, deflate?.answer ?? ''))
    // From here on, the wire listens for errors.
    stream.off('error', ignore_error)
    if (stream.isPaused()) stream.resume()
    this.#host.let_go(stream)
    const { shared, own } = packed_headers(headers)
    this.#events.accepted({
      stream: counting_bytes(stream),
      head,
      deflate: deflate?.parameters,
      request: request.packed(this.#urls.of(url), { shared: this.#shared_headers.of(shared), own }),
      place,
      data,
    })
  }

  #left({ stream, message }: Handshake): void {
    stream.on('error', ignore_error)
    this.refused({ reason: 'client_left' }, stream, message)
    stream.destroy()
  }
}
