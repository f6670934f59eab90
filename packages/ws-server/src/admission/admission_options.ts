import {
  callback,
  describe_parts,
  type OptionRule,
  type OptionRules,
  whole_number,
} from '@bt/ws-protocol/internal'
import type { AuthorizeRequest } from '../handshake/request.js'
import { is_trust_proxy, TRUST_PROXY_EXPECTED, type TrustProxyOption } from '../handshake/trusted_proxies.js'
import type { Accepted } from './accept.js'
import { type AllowedOrigins, is_allowed_origins, ORIGINS_EXPECTED } from './origin.js'

/** Options of `listen` that decide which clients may connect; `Data` is what `authorize` returns. */
export interface AdmissionOptions<Data = unknown> {
  /**
   * Which pages may connect, by the `Origin` that their browser sends (RFC 6454). A request without one is
   * not from a page, and passes; programs can send what they like, so this protects the users of browsers,
   * and `authorize` protects the server. Other pages are answered 403, and `on_error` gets one
   * `origin_refused` for each origin, up to a hundred, with the entry that would allow it.
   *
   * By default: pages of the host that the request is for, on any port, and pages of the visitor's own
   * machine (localhost, 127.0.0.0/8, ::1). If the server is bound to loopback but called by any other name:
   * none, since a hostile page can point its name at the visitor's machine (DNS rebinding). Behind a proxy,
   * name your origins.
   *
   * A list: these and no others, each written as browsers do: `'https://example.com'`,
   * `'http://localhost:5173'`, `'null'`, `'file://'`, `'chrome-extension://…'`. A function: those for which
   * it returns `true`, and nothing but `true`: a promise does not count. If it throws, the client is answered
   * 500. `'*'`: every page. @defaultValue the same host and loopback
   */
  origins?: AllowedOrigins | undefined
  /**
   * Decides whether a client may connect: called for each handshake that passes all other checks. What it
   * returns, or what its promise resolves with, becomes `socket.data`; `return accept(data, { headers })`
   * also sends headers, such as Set-Cookie. To turn a client away, `return refuse(401, 'no token')`. Anything
   * else it throws is answered 500, and reaches `on_error` as `handler_failed`. After `handshake_timeout` the
   * client is answered 503, and a later result is dropped; `request.signal` aborts when an answer is no
   * longer needed. @defaultValue everybody may connect
   */
  authorize?:
    | ((request: AuthorizeRequest) => Data | Accepted<Data> | PromiseLike<Data | Accepted<Data>>)
    | undefined
  /**
   * The proxies of yours that clients come through. `socket.addr` and `max_connections_per_ip` then use the
   * address that they report in X-Forwarded-For, or in Forwarded (RFC 7239) if there is no X-Forwarded-For.
   * If your proxy sets only Forwarded, say so with `{ header: 'forwarded' }`: otherwise clients can forge the
   * other header.
   *
   * A list names their addresses: `['10.0.0.0/8', 'fd00::/8', '192.0.2.1', 'loopback']`. The client is the
   * first from the right that is not in it, or the leftmost if all are; the header of a connection from any
   * other address is ignored. `'loopback'` is this machine, with Unix sockets. A number says how many proxies
   * there are, from 1 to 100, and `true` means one: the client is what the outermost of them reports, such as
   * the second from the right with 2. Set it only if every request comes through those proxies.
   *
   * If the list in the header is too short, or the entry is no IP address, the address of the TCP connection
   * is used. @defaultValue `false`
   */
  trust_proxy?: TrustProxyOption | undefined
  /**
   * How many sockets there may be from one IP address, including clients that wait for `authorize`; further
   * ones are answered 429 with Retry-After. With clients that have not sent a request yet, and refused ones
   * that keep their end open, there may be twice as many connections of one address and 10 more; further ones
   * are cut off, and counted as `over_ip_limit`, too. With `trust_proxy` and on a shared `server`, an address
   * is known only with its request: there, this bounds the refused ones that keep their end open, and the
   * proxy or the server's owner has to limit those without a request. An IPv6 address counts as its whole
   * /64. Unix sockets are not counted. Many people can share one address. From 1 to 10,000,000.
   * @defaultValue no limit
   */
  max_connections_per_ip?: number | undefined
  /**
   * How many handshakes to accept per second, or at once after a second of quiet, over the whole server;
   * further ones are answered 503 with Retry-After. Those refused by `authorize` count, those refused for any
   * other reason do not. From 1 to 10,000,000. @defaultValue no limit
   */
  max_handshakes_per_second?: number | undefined
}

/** The options of {@link AdmissionOptions} that have a default. */
export type FilledAdmissionOption = 'trust_proxy'

/** The rules of {@link AdmissionOptions}. */
export const admission_rules: OptionRules<AdmissionOptions, FilledAdmissionOption> = {
  origins: {
    expects: ORIGINS_EXPECTED,
    accepts: is_allowed_origins,
    copy: origins => (Array.isArray(origins) ? [...origins] : origins),
  },
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

/** Makes the rule of a limit that does not apply unless it is given. */
export function unbounded(unit: string, max = 10_000_000): OptionRule<number> {
  return { ...whole_number(unit, max, 1), fallback: undefined }
}
