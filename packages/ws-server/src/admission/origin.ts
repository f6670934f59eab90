import { NetError } from '@bt/ws-protocol'
import { describe_value, is_loopback_host, is_thenable, ReportOnce } from '@bt/ws-protocol/internal'
import type { HandshakeRequest } from '../handshake/request.js'
import { TextCache } from '../handshake/text_cache.js'

/** Which pages may connect: the option `origins`. */
export type AllowedOrigins =
  | '*'
  | readonly string[]
  | ((origin: string, request: HandshakeRequest) => boolean)

/** What `origins` has to look like, as the end of the sentence "expected …". */
export const ORIGINS_EXPECTED =
  "'*', an array of origins such as ['https://example.com'], or a function that returns true for those that may come in"

/** A handshake that came from a page, as far as its origin is judged. */
export interface PageRequest {
  /** The `Origin` header, as it came. */
  readonly origin: string
  /** The `Host` header, as it came. */
  readonly host: string
  /** Whether the server can be reached from its own machine alone. */
  is_bound_to_loopback(): boolean
  /** The handshake, for an `origins` that is a function. */
  request(): HandshakeRequest
}

/** A serialised origin (RFC 6454 §6.2) that is not `null`: no path, no user, and one alone. */
const ORIGIN = /^([a-z][a-z\d+.-]*):\/\/([^\s/?#@\\,]*)$/i
/** The schemes whose hosts are normalised and whose default ports are left out (RFC 6454 §4). */
const WEB_SCHEME = /^(?:https?|wss?)$/i
const PORT = /:\d*$/
/** RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const LOOPBACK_IP = /^(?:(?:::ffff:)?127(?:\.\d{1,3}){3}|::1)$/i

/** Writes an origin the one way that it can be compared in; `undefined` when it is none. */
export function normal_origin(text: string): string | undefined {
  if (text === 'null') return text
  const [, scheme] = ORIGIN.exec(text) ?? []
  if (scheme === undefined) return undefined
  if (!WEB_SCHEME.test(scheme)) return text.toLowerCase()
  return URL.canParse(text) ? new URL(text).origin : undefined
}

/** The host in an origin that is normal: without port, and without the dot that may end a name. */
function host_of_origin(origin: string): string | undefined {
  const [, , authority] = ORIGIN.exec(origin) ?? []
  return authority?.replace(PORT, '').replace(/\.$/, '') || undefined
}

/** Where a page is from. */
interface Page {
  /** Its origin, as {@link normal_origin} writes it. */
  readonly origin: string
  /** The host in that. */
  readonly host: string | undefined
}

/** The slash that Go's `golang.org/x/net/websocket` writes behind an origin, as it does behind any URL without a path. */
const SLASH_AT_END = /(?<=[^/])\/$/

/** Reads the `Origin` header, as {@link normal_origin} does an origin. */
function sent_origin(text: string): string | undefined {
  return normal_origin(text.replace(SLASH_AT_END, ''))
}

function page_of(text: string): Page | undefined {
  const origin = sent_origin(text)
  return origin === undefined ? undefined : { origin, host: host_of_origin(origin) }
}

/** The host that a `Host` header names, written as that of an origin. */
function host_of_header(host: string): string | undefined {
  const origin = normal_origin(`http://${host}`)
  return origin === undefined ? undefined : host_of_origin(origin)
}

/** Whether an IP address is of the machine itself. */
export function is_loopback_ip(ip: string): boolean {
  return LOOPBACK_IP.test(ip)
}

/**
 * Whether a value will do as `origins`.
 *
 * @throws NetError `invalid_option` for a list with an entry that is no origin: it says what to write instead
 */
export function is_allowed_origins(value: unknown): value is AllowedOrigins {
  if (!Array.isArray(value)) return value === '*' || typeof value === 'function'
  for (const entry of Array.from(value)) check_entry(entry)
  return true
}

function check_entry(entry: unknown): void {
  const wrong = (remedy: string): NetError =>
    new NetError('invalid_option', `listen: the option origins lists ${describe_value(entry)}; ${remedy}`)
  if (typeof entry !== 'string') throw wrong("expected an origin such as 'https://example.com'")
  if (entry === '*') throw wrong("write origins: '*', without a list, to let every page in")
  if (entry.includes('*')) throw wrong('a list has no wildcards: give a function to decide by a rule')
  const is_sent_by_pages = !/^wss?:/i.test(entry)
  if (!is_sent_by_pages || normal_origin(entry) === undefined)
    throw wrong(`write ${describe_origin(meant_by(entry))}`)
}

/** The origin that was probably meant: a page's, with a scheme and without a path. */
function meant_by(entry: string): string {
  const url = entry.includes('://') ? entry : `https://${entry.replace(/^\/+/, '')}`
  const [start = ''] = /^[^:]*:\/\/[^/?#\\\s,]*/.exec(url) ?? []
  const of_page = start.replace(/\/\/.*@/, '//').replace(/^ws/i, 'http')
  return normal_origin(of_page) ?? 'https://example.com'
}

/** Decides which pages may connect; programs that are no browsers send no Origin, and are not asked for one. */
export class OriginGate {
  readonly #allowed: AllowedOrigins | undefined
  readonly #listed: ReadonlySet<string>
  readonly #pages = new TextCache(page_of)
  readonly #hosts = new TextCache(host_of_header)

  constructor(allowed: AllowedOrigins | undefined) {
    this.#allowed = allowed
    const entries = Array.isArray(allowed) ? (allowed as readonly string[]) : []
    this.#listed = new Set(entries.map(entry => String(normal_origin(entry))))
  }

  /** Why a page may not connect, and which option would let it, as the end of a sentence; `undefined` when it may. */
  objection(visit: PageRequest): string | undefined {
    const allowed = this.#allowed
    if (allowed === '*') return undefined
    if (typeof allowed === 'function') return objection_of(allowed(visit.origin, visit.request()))
    const page = this.#pages.of(visit.origin)
    if (page === undefined)
      return 'that is not one origin; only a function as the option origins can allow it'
    if (allowed === undefined) return objection_by_default(page, this.#hosts.of(visit.host), visit)
    return this.#listed.has(page.origin)
      ? undefined
      : `the option origins does not list it; add ${describe_origin(page.origin)} there to allow it`
  }
}

/** Nothing but `true` lets anybody in: a promise is an answer that has not been given. */
function objection_of(answer: unknown): string | undefined {
  if (answer === true) return undefined
  if (!is_thenable(answer))
    return `the function given as the option origins returned ${describe_value(answer)}; let it return true to allow it`
  Promise.resolve(answer).catch(ignored)
  return 'the function given as the option origins returned a promise, and has to return true at once; only authorize may be async'
}

/** A promise that nobody asked for refused already; why it is rejected changes nothing. */
function ignored(): void {}

/** Pages of the same host, and of this machine. A list replaces that, so the remedy is whole only with those that came in before. */
function objection_by_default(
  { origin, host: from }: Page,
  to: string | undefined,
  { is_bound_to_loopback }: PageRequest,
): string | undefined {
  const is_called_by_another_name = to === undefined || !is_loopback_host(to)
  if (is_called_by_another_name && is_bound_to_loopback())
    return `the server listens on this machine alone, and is called by another name, as with DNS rebinding or through a proxy; set origins: [${describe_origin(origin)}] to allow it`
  if (from !== undefined && (from === to || is_loopback_host(from))) return undefined
  return `it is neither of the same host nor of this machine; set origins: [${describe_origin(origin)}] to allow it, with every other origin that may come in`
}

/** A host name has at most 253 characters (RFC 1035 §2.3.4): an origin to be copied is shown whole. */
const LONGEST_ORIGIN = 300

function describe_origin(origin: string): string {
  return describe_value(origin, LONGEST_ORIGIN)
}

/** How many origins are told of by name: hostile pages can think of any number. */
const MOST_TOLD = 100

/** Remembers which origins were told of, so that each is told once, and not more than a hundred are. */
export class ToldOrigins {
  readonly #told = new ReportOnce(MOST_TOLD)

  /** Whether this origin is to be told of now. All that can't be read count as one. */
  should_report(origin: string): boolean {
    return this.#told.should_report(sent_origin(origin) ?? '')
  }

  /** Whether no more are told of. */
  get is_full(): boolean {
    return this.#told.is_full
  }
}
