import { describe_value } from '@bt/ws-protocol/internal'
import type { ResponseHeaders } from '../handshake/header_lines.js'
import { checked_headers, checked_object, invalid_argument } from './own_headers.js'

/** Holds the data of an {@link Accepted}, so that no object of an application is taken for one. */
const ACCEPTED: unique symbol = Symbol('accepted')

/** What `accept` returns, for `authorize` to return; `Data` becomes the type of `socket.data`. */
export interface Accepted<Data> {
  /** What becomes `socket.data`. */
  readonly [ACCEPTED]: Data
}

class AcceptedWithHeaders<Data> implements Accepted<Data> {
  readonly [ACCEPTED]: Data
  readonly headers: ResponseHeaders

  constructor(data: Data, headers: ResponseHeaders) {
    this[ACCEPTED] = data
    this.headers = headers
  }
}

/** What `accept` may add to the response. */
export interface AcceptOptions {
  /**
   * Additional headers of the 101, such as `{ 'Set-Cookie': ['a=1; HttpOnly', 'b=2'] }`: ASCII text without
   * line breaks, or a list of such texts. The server itself sets those that belong to the handshake, such as
   * Connection and Sec-WebSocket-Protocol. A page cannot read them, but its browser stores cookies.
   * @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
}

/**
 * Accepts a client with headers in the response, from within `authorize`:
 * `return accept({ user }, { headers: { 'Set-Cookie': 'session=1; HttpOnly' } })`. Without headers, return the
 * data itself.
 *
 * @param data - what becomes `socket.data`
 * @param options - additional headers
 * @throws NetError `invalid_argument` for a header that is not allowed, naming it
 */
export function accept<Data>(data: Data, options: AcceptOptions = {}): Accepted<Data> {
  const { headers = {}, ...unknown } = checked_object('accept', options) as AcceptOptions
  const [name] = Object.keys(unknown)
  if (name !== undefined)
    throw invalid_argument(
      'accept',
      `the option ${describe_value(name)}, which there is not: give { headers }`,
    )
  return new AcceptedWithHeaders(data, checked_headers('accept', headers, is_of_handshake))
}

/** Returns the data and the headers in a result of `authorize`, which is the data itself unless accepted. */
export function acceptance_of(result: unknown): {
  readonly data: unknown
  readonly headers: ResponseHeaders
} {
  if (result instanceof AcceptedWithHeaders) return { data: result[ACCEPTED], headers: result.headers }
  return { data: result, headers: {} }
}

/** Whether a header, in lower case, is one of the opening handshake (RFC 6455 §11.3). */
function is_of_handshake(name: string): boolean {
  return name.startsWith('sec-websocket-')
}
