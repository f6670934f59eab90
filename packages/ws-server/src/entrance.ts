import type { IncomingMessage } from 'node:http'
import { deflate_offers, type NetError, parse_target } from '@bt/ws-protocol'
import {
  accept_deflate,
  type ByteStream,
  counting_bytes,
  type DeflateParameters,
  type InboxBudget,
  node_platform,
} from '@bt/ws-protocol/node'
import { Answers } from './answers.js'
import { Arrivals } from './arrivals.js'
import { Authorizer, type Decision } from './authorizer.js'
import {
  type ClientPlace,
  forwarded_client,
  show_place,
  type TrustedProxies,
  trusted_proxies,
  UNKNOWN_PLACE,
} from './client_address.js'
import { address_of, type ClientStream } from './client_stream.js'
import { EntryLimits } from './entry_limits.js'
import { acceptance } from './handshake/acceptance.js'
import { Handshake, type HandshakeHeaders } from './handshake_request.js'
import { type HttpHost, shown_unix_path } from './http_host.js'
import { agreed_protocol, judge, offered_protocols } from './judge.js'
import type { ListenSettings } from './options.js'
import { OriginGuard } from './origin_guard.js'
import { packed_headers } from './packed_headers.js'
import { Recent } from './recent.js'
import {
  bad_handshake,
  handler_error,
  handler_failed,
  type Refusal,
  type RefusalNote,
  shutting_down,
  too_late,
} from './refusal.js'
import { told_by_close } from './told_by_close.js'
import type { Visit } from './visit.js'

/** A client that has come in. */
export interface AcceptedClient {
  /** The stream that its frames come and go on. */
  readonly stream: ByteStream
  /** What has come behind the handshake. */
  readonly head: Uint8Array
  /** What was agreed on, if its messages may be compressed. */
  readonly deflate: DeflateParameters | undefined
  /** What it asked for. */
  readonly handshake: Handshake
  /** Where it is. */
  readonly place: ClientPlace
  /** What `authorize` returned. */
  readonly data: unknown
}

/** A client that was turned away. */
export interface RefusedClient {
  /** Where it is. */
  readonly addr: string
  /** The path that it asked for, where its request could be read. */
  readonly path: string | undefined
}

/** What an entrance needs of the server behind it. */
export interface HandshakeOwner {
  /** How many sockets there are. */
  readonly size: number
  /** Bounds what has come in. */
  readonly inbox_budget: InboxBudget
  /** A handshake is done. */
  admit(client: AcceptedClient): void
  /** A client was turned away; who it was is asked for where somebody wants to know. */
  refused(refusal: RefusalNote, client: () => RefusedClient): void
  /** Something failed, or has to be told. */
  report(error: NetError): void
}

/**
 * The entrance of one WebSocket server: takes the handshakes for its route, and lets each in or turns it away. Whatever comes is answered,
 * and every socket ends.
 */
export class Entrance {
  /** The path of its handshakes. */
  readonly route: string
  /** How long a handshake may take, in milliseconds. */
  readonly handshake_timeout: number
  readonly #settings: ListenSettings
  readonly #owner: HandshakeOwner
  readonly #host: HttpHost
  readonly #shared_headers = new Recent<string>(text => text)
  readonly #urls = new Recent<string>(text => text)
  readonly #hosts = new Recent<string>(text => text)
  readonly #deflate_offers = new Recent(list => deflate_offers(list, 'client'))
  readonly #answers: Answers
  readonly #origins: OriginGuard
  readonly #proxies: TrustedProxies | undefined
  readonly #limits: EntryLimits
  readonly #authorizer: Authorizer
  readonly #arrivals: Arrivals
  /** On a server that is shared, or behind proxies, a client's address is known only with its request. */
  readonly #knows_addresses_at_once: boolean
  #is_closing = false

  constructor(settings: ListenSettings, owner: HandshakeOwner, host: HttpHost) {
    const { authorize, handshake_timeout, origins, route, trust_proxy } = settings
    const report = (error: NetError): void => owner.report(error)
    this.route = route
    this.handshake_timeout = handshake_timeout
    this.#settings = settings
    this.#owner = owner
    this.#host = host
    this.#answers = new Answers(handshake_timeout)
    this.#arrivals = new Arrivals(handshake_timeout, node_platform.clock, stream =>
      this.refuse(stream, too_late()),
    )
    this.#origins = new OriginGuard(origins, host.http, report)
    this.#proxies = trusted_proxies(trust_proxy)
    this.#limits = new EntryLimits(settings)
    this.#knows_addresses_at_once = settings.server === undefined && this.#proxies === undefined
    this.#authorizer = new Authorizer({
      authorize,
      handshake_timeout,
      inbox_budget: owner.inbox_budget,
      decided: decision => this.#decided(decision),
      report,
    })
  }

  /** Whether it takes nobody in any more. */
  get is_closing(): boolean {
    return this.#is_closing
  }

  /** Whether a TCP connection may stay that was just accepted, which nothing has come from. */
  may_stay(stream: ClientStream): boolean {
    return !this.#knows_addresses_at_once || this.#limits.keep(stream, address_of(stream))
  }

  /** A client has connected, and its handshake comes next. */
  arrived(stream: ClientStream): void {
    this.#arrivals.add(stream)
  }

  /** Takes a request to upgrade, whose path is the route. */
  take(request: IncomingMessage, stream: ClientStream, head: Buffer): void {
    const refusal =
      judge(request) ?? this.#judge_offers(request) ?? (this.#is_closing ? shutting_down() : undefined)
    if (refusal !== undefined) this.refuse(stream, refusal, request)
    else this.#receive(this.#visit(request, stream, head))
  }

  /** Turns a client away; `request` is left out where it could not be read. */
  refuse(stream: ClientStream, refusal: Refusal, request?: IncomingMessage): void {
    stream.on('error', told_by_close)
    this.refused(refusal, stream, request)
    const headers = (request?.headers ?? {}) as HandshakeHeaders
    const may_linger =
      this.#knows_addresses_at_once || this.#limits.keep(stream, this.#locate(stream, headers))
    this.#answers.end(stream, refusal, may_linger)
  }

  /** Counts a client that was turned away, and has its answer, or gets none. */
  refused(refusal: RefusalNote, stream: ClientStream, request?: IncomingMessage): void {
    this.#arrivals.take(stream)
    this.#owner.refused(refusal, () => {
      const headers = (request?.headers ?? {}) as HandshakeHeaders
      const path = request?.url === undefined ? undefined : parse_target(request.url).path
      return { addr: show_place(this.#locate(stream, headers)), path }
    })
  }

  /** Counts a client that was cut off before it could ask for anything. */
  dropped(reason: 'over_limit' | 'over_ip_limit', addr: string): void {
    this.#owner.refused({ reason }, () => ({ addr, path: undefined }))
  }

  /** Ends all who have connected, and have not asked for anything yet. */
  drop_arrivals(): void {
    this.#arrivals.drop_all()
  }

  /** Takes nobody in from now on; who waits is told so. */
  close(): void {
    this.#is_closing = true
    this.#authorizer.close()
    this.#answers.hurry()
  }

  #visit(request: IncomingMessage, stream: ClientStream, head: Buffer): Visit {
    const offered = offered_protocols(request.headers['sec-websocket-protocol']) ?? []
    const handshake = new Handshake(request, agreed_protocol(this.#settings.protocols, offered))
    const place = this.#locate(stream, handshake.headers)
    return { request, stream, head, handshake, offered, place, waited_ms: this.#arrivals.take(stream) }
  }

  #locate(stream: ClientStream, headers: HandshakeHeaders): ClientPlace {
    const told = this.#proxies && forwarded_client(headers, this.#proxies)
    const address = told ?? address_of(stream)
    // What a proxy tells is a part of its header, and would keep all of that alive.
    if (address !== undefined) return { ip: this.#hosts.of(address.ip), port: address.port }
    return shown_unix_path(this.#host.http) ?? UNKNOWN_PLACE
  }

  #receive(visit: Visit): void {
    const connections = this.#owner.size + this.#authorizer.waiting
    const refusal = this.#judge_origin(visit) ?? this.#limits.enter(visit, connections)
    if (refusal !== undefined) this.refuse(visit.stream, refusal, visit.request)
    else this.#authorizer.ask(visit)
  }

  /** Without compression, no offer can be accepted, whatever they are. */
  #offers({ headers }: IncomingMessage): readonly string[] | undefined {
    const list = headers['sec-websocket-extensions']
    return this.#settings.compression === false || list === undefined ? [] : this.#deflate_offers.of(list)
  }

  #judge_offers(request: IncomingMessage): Refusal | undefined {
    return this.#offers(request) === undefined
      ? bad_handshake('the Sec-WebSocket-Extensions header is not a list of extensions')
      : undefined
  }

  #judge_origin({ handshake, stream }: Visit): Refusal | undefined {
    try {
      return this.#origins.judge(handshake, stream)
    } catch (error) {
      this.#owner.report(handler_error('origins', error))
      return handler_failed()
    }
  }

  #decided(decision: Decision): void {
    const { name, visit } = decision
    if (name === 'granted') this.#admit(visit, decision.data)
    else if (name === 'refused') this.refuse(visit.stream, decision.refusal, visit.request)
    else this.#left(visit)
  }

  #admit(visit: Visit, data: unknown): void {
    const { request, stream, head, handshake, place } = visit
    // A callback may have closed the server meanwhile.
    if (this.#is_closing) this.refuse(stream, shutting_down(), request)
    else if (!stream.readable || !stream.writable) this.#left(visit)
    else {
      const key = request.headers['sec-websocket-key'] ?? ''
      const deflate = accept_deflate(this.#offers(request) ?? [])
      stream.write(acceptance(key, handshake.protocol, deflate?.answer ?? ''))
      // From here on, the wire listens for errors.
      stream.off('error', told_by_close)
      if (stream.isPaused()) stream.resume()
      this.#host.let_go(stream)
      const { shared, own } = packed_headers(request.headers)
      handshake.pack(this.#urls.of(request.url ?? ''), { shared: this.#shared_headers.of(shared), own })
      this.#owner.admit({
        stream: counting_bytes(stream),
        head,
        deflate: deflate?.parameters,
        handshake,
        place,
        data,
      })
    }
  }

  #left({ stream, request }: Visit): void {
    stream.on('error', told_by_close)
    this.refused({ reason: 'client_left' }, stream, request)
    stream.destroy()
  }
}
