import { NetError } from '@bt/ws-protocol'
import { describe_value, is_loopback_host, is_thenable, ReportOnce } from '@bt/ws-protocol/internal'
import type { HandshakeRequest } from '../handshake/request.js'
import { TextCache } from '../handshake/text_cache.js'

/** Which pages may connect: the option `origins`. */
export type AllowedOrigins =
  | '*'
  | readonly string[]
  | ((origin: string, request: HandshakeRequest) => boolean)

/** Describes a valid `origins`, as the end of the sentence "expected …". */
export const ORIGINS_EXPECTED =
  "'*', an array of origins such as ['https://example.com'], or a function that returns true for those that may come in"

/** The parts of a page's handshake that decide whether its origin is allowed. */
export interface PageRequest {
  /** The `Origin` header as received. */
  readonly origin: string
  /** The `Host` header as received. */
  readonly host: string
  /** Returns whether the server is reachable only from its own machine. */
  is_bound_to_loopback(): boolean
  /** Returns the handshake, for an `origins` that is a function. */
  request(): HandshakeRequest
}

/** A single serialized origin (RFC 6454 §6.2) that is not `null`, without path and user. */
const ORIGIN = /^([a-z][a-z\d+.-]*):\/\/([^\s/?#@\\,]*)$/i
/** The schemes whose hosts are normalized and whose default ports are omitted (RFC 6454 §4). */
const WEB_SCHEME = /^(?:https?|wss?)$/i
const PORT = /:\d*$/
/** RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK_IP = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/i

/** Normalizes an origin for comparison. Returns `undefined` if the text is not an origin. */
export function normalize_origin(text: string): string | undefined {
  if (text === 'null') return text
  const [, scheme] = ORIGIN.exec(text) ?? []
  if (scheme === undefined) return undefined
  if (!WEB_SCHEME.test(scheme)) return text.toLowerCase()
  return URL.canParse(text) ? new URL(text).origin : undefined
}

/** Returns the host of a normalized origin, without the port and a trailing dot. */
function host_of_origin(origin: string): string | undefined {
  const [, , authority] = ORIGIN.exec(origin) ?? []
  return authority?.replace(PORT, '').replace(/\.$/, '') || undefined
}

interface Page {
  /** As {@link normalize_origin} returns it. */
  readonly origin: string
  readonly host: string | undefined
}

/** The slash that Go's `golang.org/x/net/websocket` appends to origins. */
const TRAILING_SLASH = /(?<=[^/])\/$/

/** Parses an `Origin` header into a normalized origin. */
function parse_origin_header(text: string): string | undefined {
  return normalize_origin(text.replace(TRAILING_SLASH, ''))
}

function page_of(text: string): Page | undefined {
  const origin = parse_origin_header(text)
  return origin === undefined ? undefined : { origin, host: host_of_origin(origin) }
}

/** Returns the host of a `Host` header in the form in which {@link host_of_origin} returns it. */
function host_of_header(host: string): string | undefined {
  const origin = normalize_origin(`http://${host}`)
  return origin === undefined ? undefined : host_of_origin(origin)
}

/** Returns whether an IP address is a loopback address. */
export function is_loopback_ip(ip: string): boolean {
  return LOOPBACK_IP.test(ip)
}

/**
 * Returns whether a value is valid as `origins`.
 *
 * @throws NetError `invalid_option` for a list with an entry that is not an origin, with what to write
 * instead
 */
export function is_allowed_origins(value: unknown): value is AllowedOrigins {
  if (!Array.isArray(value)) return value === '*' || typeof value === 'function'
  for (const entry of Array.from(value)) check_entry(entry)
  return true
}

function check_entry(entry: unknown): void {
  const invalid = (remedy: string): NetError =>
    new NetError('invalid_option', `listen: the option origins lists ${describe_value(entry)}; ${remedy}`)
  if (typeof entry !== 'string') throw invalid("expected an origin such as 'https://example.com'")
  if (entry === '*') throw invalid("write origins: '*', without a list, to let every page in")
  if (entry.includes('*')) throw invalid('a list has no wildcards: give a function to decide by a rule')
  const is_sent_by_pages = !/^wss?:/i.test(entry)
  if (!is_sent_by_pages || normalize_origin(entry) === undefined)
    throw invalid(`write ${describe_origin(suggest_origin(entry))}`)
}

/** Guesses the origin that was meant, with the scheme of a page and without a path. */
function suggest_origin(entry: string): string {
  const url = entry.includes('://') ? entry : `https://${entry.replace(/^\/+/, '')}`
  const [start = ''] = /^[^:]*:\/\/[^/?#\\\s,]*/.exec(url) ?? []
  const page_url = start.replace(/\/\/.*@/, '//').replace(/^ws/i, 'http')
  return normalize_origin(page_url) ?? 'https://example.com'
}

/** Decides which pages may connect. */
export class OriginPolicy {
  readonly #allowed: AllowedOrigins | undefined
  readonly #listed: ReadonlySet<string>
  readonly #pages = new TextCache(page_of)
  readonly #hosts = new TextCache(host_of_header)

  constructor(allowed: AllowedOrigins | undefined) {
    this.#allowed = allowed
    const entries = Array.isArray(allowed) ? (allowed as readonly string[]) : []
    this.#listed = new Set(entries.map(entry => String(normalize_origin(entry))))
  }

  /**
   * Returns why a page may not connect, and which option would allow it, as the end of a sentence. Returns
   * `undefined` if it may connect.
   */
  refusal_reason(request: PageRequest): string | undefined {
    const allowed = this.#allowed
    if (allowed === '*') return undefined
    if (typeof allowed === 'function') return refusal_by_function(allowed(request.origin, request.request()))
    const page = this.#pages.of(request.origin)
    if (page === undefined)
      return 'that is not one origin; only a function as the option origins can allow it'
    if (allowed === undefined) return refusal_by_default(page, this.#hosts.of(request.host), request)
    return this.#listed.has(page.origin)
      ? undefined
      : `the option origins does not list it; add ${describe_origin(page.origin)} there to allow it`
  }
}

/**
 * Refuses everything but `true`, so that a function that returns a promise by mistake does not allow every
 * page.
 */
function refusal_by_function(result: unknown): string | undefined {
  if (result === true) return undefined
  if (!is_thenable(result))
    return `the function given as the option origins returned ${describe_value(result)}; let it return true to allow it`
  Promise.resolve(result).catch(ignore_rejection)
  return 'the function given as the option origins returned a promise, and has to return true at once; only authorize may be async'
}

/** The page is refused anyway, so the outcome of the promise does not matter. */
function ignore_rejection(): void {}

/**
 * Allows pages of the same host and of the visitor's own machine. As a list replaces this default, the advice
 * reminds of the origins that it allowed.
 */
function refusal_by_default(
  { origin, host: page_host }: Page,
  requested_host: string | undefined,
  { is_bound_to_loopback }: PageRequest,
): string | undefined {
  const is_called_by_another_name = requested_host === undefined || !is_loopback_host(requested_host)
  if (is_called_by_another_name && is_bound_to_loopback())
    return `the server listens on this machine alone, and is called by another name, as with DNS rebinding or through a proxy; set origins: [${describe_origin(origin)}] to allow it`
  if (page_host !== undefined && (page_host === requested_host || is_loopback_host(page_host)))
    return undefined
  return `it is neither of the same host nor of this machine; set origins: [${describe_origin(origin)}] to allow it, with every other origin that may come in`
}

/**
 * Enough to show any origin whole, so that it can be copied: a host name has at most 253 characters (RFC 1035
 * §2.3.4).
 */
const MAX_SHOWN_ORIGIN = 300

function describe_origin(origin: string): string {
  return describe_value(origin, MAX_SHOWN_ORIGIN)
}

/** The limit of reported origins, because hostile clients can invent any number. */
const MAX_REPORTED_ORIGINS = 100

/**
 * Remembers the origins that were reported, so that each is reported once, and no more than a hundred are.
 */
export class ReportedOrigins {
  readonly #reported = new ReportOnce(MAX_REPORTED_ORIGINS)

  /** Returns whether to report this origin now. All invalid origins count as one. */
  should_report(origin: string): boolean {
    return this.#reported.should_report(parse_origin_header(origin) ?? '')
  }

  /** Whether no further origin will be reported. */
  get is_full(): boolean {
    return this.#reported.is_full
  }
}
