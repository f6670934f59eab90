import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type ControlRequest, parse_control } from '../shared/control.js'
import { say_error } from './print.js'
import type { StaticFile } from './static_files.js'

/** The settings of a page server. */
export interface PageServerOptions {
  /** The files of the page, by path. */
  readonly files: ReadonlyMap<string, StaticFile>
  /** The URL that the page connects to. */
  readonly ws_url: string
  /** Carries out a control request. Returns `false` if there is no such connection. */
  readonly control: (request: ControlRequest) => boolean
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

const MAX_CONTROL_BYTES = 1_024
const JSON_TYPE = 'application/json'

/**
 * Creates the page's HTTP server, not yet listening: files, `/server.json` with the WebSocket's URL, and
 * `/control`.
 */
export function make_page_server(options: PageServerOptions): Server {
  const headers = security_headers(options.ws_url)
  return createServer((request, response) => {
    answer(request, options).then(
      answered => reply(request, response, answered, headers),
      error => {
        // An aborted request needs no answer and is no failure.
        if (request.readableAborted) response.destroy()
        else {
          say_error(error)
          reply(request, response, text(500, 'The demo has failed: its terminal says how.'), headers)
        }
      },
    )
  })
}

async function answer(
  request: IncomingMessage,
  { files, ws_url, control }: PageServerOptions,
): Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?', 1)
  if (path === '/control') return answer_control(request, control)
  const file = files.get(path)
  if (file === undefined && path !== '/server.json')
    return text(404, 'There is nothing here. The page is at /.')
  if (request.method !== 'GET' && request.method !== 'HEAD') return not_allowed('GET, HEAD')
  if (file === undefined)
    return {
      status: 200,
      headers: { 'Content-Type': JSON_TYPE, 'Cache-Control': 'no-cache' },
      body: JSON.stringify({ ws_url }),
    }
  const { body, content_type, cache_control } = file
  return { status: 200, headers: { 'Content-Type': content_type, 'Cache-Control': cache_control }, body }
}

async function answer_control(
  request: IncomingMessage,
  control: PageServerOptions['control'],
): Promise<Answer> {
  if (request.method !== 'POST') return not_allowed('POST')
  // A page of another origin needs a preflight to send this type, which is not answered.
  if (request.headers['content-type'] !== JSON_TYPE) return text(415, `Send ${JSON_TYPE}.`)
  const body = await read_body(request)
  if (body === undefined) return text(413, `Send at most ${MAX_CONTROL_BYTES} bytes.`)
  const asked = parse_control(body)
  if (asked === undefined) return text(400, 'This is no control that the demo knows.')
  return control(asked) ? { status: 204 } : text(404, 'There is no connection with this key.')
}

async function read_body(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > MAX_CONTROL_BYTES) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body = '' }: Answer,
  more: Readonly<Record<string, string>>,
): void {
  const length = status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) }
  // An unread rest of the body must not be parsed as the next request.
  const end = request.complete ? {} : { Connection: 'close' }
  response.writeHead(status, { ...more, ...headers, ...length, ...end })
  response.end(request.method === 'HEAD' ? undefined : body)
}

function text(status: number, body: string): Answer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: `${body}\n` }
}

function not_allowed(allowed: string): Answer {
  const answered = text(405, `Only ${allowed} here.`)
  return { ...answered, headers: { ...answered.headers, Allow: allowed } }
}

function security_headers(ws_url: string): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${ws_url}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  }
}
