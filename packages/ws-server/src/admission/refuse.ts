import { NetError } from '@bt/ws-protocol'
import { describe_value, is_whole_number, shown_text } from '@bt/ws-protocol/internal'
import type { ResponseHeaders } from '../handshake/header_lines.js'
import { checked_headers, checked_object, invalid_argument } from './own_headers.js'

const MAX_TEXT_BYTES = 4_096

/** The error that `refuse` throws, and that `authorize` passes on to the server. */
export class AuthorizeRefusal extends NetError {
  readonly status: number
  readonly text: string
  readonly headers: ResponseHeaders
  readonly close_code: number | undefined

  constructor(status: number, text: string, headers: ResponseHeaders, close_code: number | undefined) {
    super(
      'handshake_refused',
      `refuse(${status}) is for authorize alone, and was called elsewhere: ${shown_text(text)}`,
    )
    this.status = status
    this.text = text
    this.headers = headers
    this.close_code = close_code
  }
}

/** What `refuse` may add to its response. */
export interface RefuseOptions {
  /**
   * The close code for pages, from 3000 to 4999: a browser hides the status and the text of a refusal from a
   * page. So a client that sends an `Origin` is accepted, without becoming a socket, and closed at once with
   * this code and the beginning of the text. With 4400, 4401, 4403 or 4404, our client does not try again; with
   * others it does, and what it had queued for this attempt is lost, since it was accepted first.
   * @defaultValue none: pages see only that the connection failed
   */
  readonly close?: number | undefined
  /**
   * Additional headers, such as `{ 'WWW-Authenticate': 'Bearer' }`: ASCII text without line breaks, or a list
   * of such texts. The server itself sets those that say how the answer is sent, such as Content-Length and
   * Content-Type. @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>> | undefined
}

/**
 * Turns a client away, from within `authorize`: `return refuse(401, 'no token')`, or without `return`, since
 * it throws. The client is answered `status` with `text` as plain text, and never becomes a socket.
 *
 * @param status - an HTTP status from 400 to 599
 * @param text - the body of the answer, at most 4,096 bytes of UTF-8, which the client can read
 * @param options - a close code for pages, and additional headers; headers may also stand directly in it
 * @throws NetError `invalid_argument` for a status, a text, a code or a header that is not allowed; otherwise
 * the error that tells the server to refuse
 */
export function refuse(
  status: number,
  text: string,
  options: RefuseOptions | Readonly<Record<string, string | readonly string[]>> = {},
): never {
  if (!is_whole_number(status, 400, 599))
    throw invalid_argument(
      'refuse',
      `the status ${describe_value(status)}: use an HTTP status from 400 to 599`,
    )
  if (typeof text !== 'string' || Buffer.byteLength(text) > MAX_TEXT_BYTES)
    throw invalid_argument(
      'refuse',
      `the text ${describe_value(text)}: give a string of at most ${MAX_TEXT_BYTES} bytes`,
    )
  const { close, headers = {}, ...direct } = checked_object('refuse', options) as RefuseOptions
  if (close !== undefined && !is_whole_number(close, 3000, 4999))
    throw invalid_argument(
      'refuse',
      `the close code ${describe_value(close)}: use one of your own, from 3000 to 4999`,
    )
  const all = checked_headers('refuse', { ...direct, ...checked_object('refuse', headers) })
  throw new AuthorizeRefusal(status, text, all, close)
}
