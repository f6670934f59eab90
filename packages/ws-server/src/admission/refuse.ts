import { NetError } from '@bt/ws-protocol'
import {
  describe_secret,
  describe_value,
  is_token,
  is_whole_number,
  shown_text,
  text_flaw,
} from '@bt/ws-protocol/internal'

const MAX_TEXT_BYTES = 4_096
/**
 * Characters that RFC 9110 §5.5 forbids in a header value, such as line breaks, and those that are not ASCII.
 */
const INVALID_IN_HEADER_VALUE = /[^\t\x20-\x7e]/u
/**
 * The headers that determine how the response is framed (RFC 9112 §6), or its type, which only the server
 * sets.
 */
const RESERVED_HEADERS: readonly string[] = [
  'connection',
  'content-length',
  'content-type',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** The error that `refuse` throws, and that `authorize` passes on to the server. */
export class AuthorizeRefusal extends NetError {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, text: string, headers: Readonly<Record<string, string>>) {
    super(
      'handshake_refused',
      `refuse(${status}) is for authorize alone, and was called elsewhere: ${shown_text(text)}`,
    )
    this.status = status
    this.text = text
    this.headers = headers
  }
}

/**
 * Turns a client away, from within `authorize`: `return refuse(401, 'no token')`, or without `return`, since
 * it throws. The client is answered `status` with `text` as plain text, and never becomes a socket.
 *
 * @param status - an HTTP status from 400 to 599
 * @param text - the body of the answer, at most 4,096 bytes of UTF-8, which the client can read
 * @param headers - additional headers, such as `{ 'WWW-Authenticate': 'Bearer' }`: ASCII text without line
 * breaks. The server itself sets those that say how the answer is sent, such as Content-Length and
 * Content-Type
 * @throws NetError `invalid_argument` for a status, a text or a header that is not allowed; otherwise the
 * error that tells the server to refuse
 */
export function refuse(status: number, text: string, headers: Readonly<Record<string, string>> = {}): never {
  if (!is_whole_number(status, 400, 599))
    throw invalid_argument(`the status ${describe_value(status)}: use an HTTP status from 400 to 599`)
  if (typeof text !== 'string' || Buffer.byteLength(text) > MAX_TEXT_BYTES)
    throw invalid_argument(
      `the text ${describe_value(text)}: give a string of at most ${MAX_TEXT_BYTES} bytes`,
    )
  // The entries of iterables such as Headers and Map are not properties, so none of them would be sent.
  if (typeof headers !== 'object' || headers === null || Symbol.iterator in headers)
    throw invalid_argument(`${describe_secret(headers)} for its headers: give an object of names and values`)
  for (const [name, value] of Object.entries(headers)) check_header(name, value)
  throw new AuthorizeRefusal(status, text, { ...headers })
}

function check_header(name: string, value: unknown): void {
  if (!is_token(name))
    throw invalid_argument(`a header named ${describe_value(name)}: a name is a token (RFC 9110 §5.1)`)
  if (RESERVED_HEADERS.includes(name.toLowerCase()))
    throw invalid_argument(`the header ${name}, which the server sets itself: leave it out`)
  const flaw = text_flaw(value, INVALID_IN_HEADER_VALUE)
  if (flaw !== undefined)
    throw invalid_argument(`a value that ${flaw} for the header ${name}: give ASCII text without line breaks`)
}

function invalid_argument(what: string): NetError {
  return new NetError('invalid_argument', `refuse got ${what}`)
}
