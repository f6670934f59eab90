import type { Server as HttpServer } from 'node:http'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'
import type { ClientStream } from '../handshake/client_stream.js'
import { type Refusal, wrong_origin } from '../handshake/refusal.js'
import type { HandshakeRequest } from '../handshake/request.js'
import { type AllowedOrigins, is_loopback_ip, OriginGate, ToldOrigins } from './origin.js'

/** Judges the origins of handshakes, and tells which were refused. */
export class OriginGuard {
  readonly #http: HttpServer
  readonly #gate: OriginGate
  readonly #report: (error: NetError) => void
  readonly #told = new ToldOrigins()

  constructor(allowed: AllowedOrigins | undefined, http: HttpServer, report: (error: NetError) => void) {
    this.#http = http
    this.#gate = new OriginGate(allowed)
    this.#report = report
  }

  /** What a page is answered that may not connect. Throws what an `origins` that is a function throws. */
  check(handshake: HandshakeRequest, stream: ClientStream): Refusal | undefined {
    const { origin, host = '' } = handshake.headers
    if (origin === undefined) return undefined
    const objection = this.#gate.objection({
      origin,
      host,
      is_bound_to_loopback: () => this.#is_bound_to_loopback(stream),
      request: () => handshake,
    })
    if (objection === undefined) return undefined
    if (this.#told.should_report(origin)) this.#tell(origin, host, objection)
    return wrong_origin()
  }

  #is_bound_to_loopback(stream: ClientStream): boolean {
    const bound = this.#http.address()
    if (typeof bound === 'string') return false
    // One that was handed its connections by another process is bound to nothing itself.
    return is_loopback_ip(bound?.address ?? stream.localAddress ?? '')
  }

  #tell(origin: string, host: string, objection: string): void {
    const last = this.#told.is_full
      ? ' (This is the last of so many origins that is told of; stats() counts on.)'
      : ''
    const message = `refused a page of the origin ${describe_value(origin)} that called the host ${describe_value(host)}: ${objection}${last}`
    this.#report(new NetError('origin_refused', message))
  }
}
