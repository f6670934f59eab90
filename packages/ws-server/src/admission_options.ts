import { callback, describe_parts, type OptionRule, type OptionRules, whole_number } from '@bt/ws-protocol'
import { is_trust_proxy, TRUST_PROXY_EXPECTED, type TrustedProxies } from './client_address.js'
import type { AuthorizeRequest } from './handshake_request.js'
import { type AllowedOrigins, is_allowed_origins, ORIGINS_EXPECTED } from './origin.js'

/** The options of `listen` that say who may come in; `Data` is what `authorize` returns. */
export interface AdmissionOptions<Data = unknown> {
  /**
   * Which pages may connect, by the `Origin` that their browser sends (RFC 6454). A request without one is from no page, and passes; any
   * program can send what it likes, so this guards the users of browsers, and `authorize` guards the server. The others are answered 403,
   * and `on_error` is told once for each origin, up to a hundred, with the entry that would allow it.
   *
   * Left out: pages of the host that the request is for, whatever their port, and pages of the visitor's own machine (localhost, 127.0.0.0/8,
   * ::1). On a server bound to loopback that is called by any other name, none of them, since a hostile page can have its name point to the
   * visitor's machine (DNS rebinding): behind a proxy, name your origins.
   *
   * A list: these and no others, each written as browsers do: `'https://example.com'`, `'http://localhost:5173'`, `'null'`, `'file://'`,
   * `'chrome-extension://…'`. A function: those for which it returns `true`, and nothing but `true`: a promise lets nobody in. One that throws
   * is answered 500. `'*'`: every page there is. @defaultValue the same host and loopback
   */
  origins?: AllowedOrigins | undefined
  /**
   * Called for each handshake that nothing else speaks against, before it is accepted. What it returns, or what its promise settles with, is
   * `socket.data`. To turn a client away, `return refuse(401, 'no token')`. Whatever else it throws is answered 500, and told to `on_error` as
   * `handler_failed`. After `handshake_timeout` the client is answered 503, and what it returns then is dropped; `request.signal` says when the
   * answer is of no use any more. @defaultValue everybody may come in
   */
  authorize?: ((request: AuthorizeRequest) => Data | PromiseLike<Data>) | undefined
  /**
   * Whether clients come through proxies of yours, and how many. `socket.addr` and `max_connections_per_ip` then go by the address that the
   * outermost of them tells: with 2, the second from the right in X-Forwarded-For, or in Forwarded (RFC 7239) where there is no
   * X-Forwarded-For. `true` is one proxy. With a proxy that sets Forwarded alone, say so, `{ header: 'forwarded' }`: it leaves the other header to
   * the client to write. Where the list is too short, or the entry is no IP address, it is the address of the TCP connection. From 1 to 100.
   * Set it only where every request comes through those proxies. @defaultValue `false`
   */
  trust_proxy?: boolean | number | TrustedProxies | undefined
  /**
   * How many sockets there may be from one IP address, those that wait for `authorize` among them; one more is answered 429 with Retry-After.
   * An IPv6 address counts with its whole /64. Unix sockets are not counted. Many people can share one address. From 1 to 10,000,000.
   * @defaultValue without bound
   */
  max_connections_per_ip?: number | undefined
  /**
   * How many handshakes are taken in a second, and at once after a second of quiet, over the whole server; one more is answered 503 with
   * Retry-After. Those that are refused for another reason do not count, but those that `authorize` refuses do. From 1 to 10,000,000.
   * @defaultValue without bound
   */
  max_handshakes_per_second?: number | undefined
}

/** The options among them that always have a value once they are checked. */
export type FilledAdmissionOption = 'trust_proxy'

/** Their rules. */
export const admission_rules: OptionRules<AdmissionOptions, FilledAdmissionOption> = {
  origins: { fallback: undefined, expects: ORIGINS_EXPECTED, accepts: is_allowed_origins },
  authorize: callback(),
  trust_proxy: {
    fallback: false,
    shown: describe_parts,
    expects: TRUST_PROXY_EXPECTED,
    accepts: is_trust_proxy,
  },
  max_connections_per_ip: unbounded('sockets'),
  max_handshakes_per_second: unbounded('handshakes'),
}

/** A whole number that, left out, is no bound. */
function unbounded(unit: string): OptionRule<number> {
  return { ...whole_number(unit, 10_000_000, 1), fallback: undefined }
}
