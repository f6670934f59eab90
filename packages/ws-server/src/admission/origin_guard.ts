import type { Server as HttpServer } from 'node:http'
import { NetError } from '@bt/ws-protocol'
import { describe_value } from '@bt/ws-protocol/internal'
import type { ClientStream } from '../handshake/client_stream.js'
import { type Refusal, wrong_origin } from '../handshake/refusal.js'
import type { HandshakeRequest } from '../handshake/request.js'
import { type AllowedOrigins, is_loopback_ip, OriginPolicy, ReportedOrigins } from './origin.js'

/** Checks the origins of handshakes, and reports the refused ones. */
export class OriginGuard {
  readonly #http: HttpServer
  readonly #policy: OriginPolicy
  readonly #report: (error: NetError) => void
  readonly #reported = new ReportedOrigins()

  constructor(allowed: AllowedOrigins | undefined, http: HttpServer, report: (error: NetError) => void) {
    this.#http = http
    this.#policy = new OriginPolicy(allowed)
    this.#report = report
  }

  /**
   * Returns the refusal for a page that may not connect. Programs other than browsers send no Origin, and
   * pass.
   *
   * @throws whatever an `origins` that is a function throws
   */
  check(handshake: HandshakeRequest, stream: ClientStream): Refusal | undefined {
    const { origin, host = '' } = handshake.headers
    if (origin === undefined) return undefined
    const reason = this.#policy.refusal_reason({
      origin,
      host,
      is_bound_to_loopback: () => this.#is_bound_to_loopback(stream),
      request: () => handshake,
    })
    if (reason === undefined) return undefined
    if (this.#reported.should_report(origin)) this.#report_refused(origin, host, reason)
    return wrong_origin()
  }

  #is_bound_to_loopback(stream: ClientStream): boolean {
    const bound = this.#http.address()
    if (typeof bound === 'string') return false
    // A server that gets its connections from another process has no address of its own.
    return is_loopback_ip(bound?.address ?? stream.localAddress ?? '')
  }

  #report_refused(origin: string, host: string, reason: string): void {
    const last = this.#reported.is_full
      ? ' (This is the last of so many origins that is told of; stats() counts on.)'
      : ''
    const message = `refused a page of the origin ${describe_value(origin)} that called the host ${describe_value(host)}: ${reason}${last}`
    this.#report(new NetError('origin_refused', message))
  }
}
