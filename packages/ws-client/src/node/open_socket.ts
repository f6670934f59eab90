import type { ClientRequest, IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connect_tls, type ConnectionOptions as SecureSettings } from 'node:tls'
import { NetError, type NetErrorCode } from '@bt/ws-protocol'
import { ABNORMAL_CLOSURE, type SocketEvents, shown_text, shown_url } from '@bt/ws-protocol/internal'
import {
  agreed_deflate,
  type DeflateParameters,
  decisive_error,
  error_text,
  type SystemError,
  Wire,
} from '@bt/ws-protocol/internal/node'
import { type ClientOptions, WebSocket } from 'ws'
import type { OpenedSocket } from '../client/client.js'
import { judge_answer, plain_lists } from './judge_answer.js'
import type { NodeConnectSettings } from './options.js'
import { explain_tls } from './tls_error.js'
import { parse_ws_url } from './ws_url.js'

/** What `ws` offers for compression (RFC 7692 §7.1.1): each message by itself, so that neither side keeps memory for the next. */
const NO_CONTEXT_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true }

/** The client's handshake of `ws`, and nothing else of it: what comes behind it is for whoever takes the socket. */
class HandshakeWebSocket extends WebSocket {
  take: ((socket: Socket, head: Buffer) => void) | undefined

  /** Called by `ws` when the handshake is done, in place of what reads and writes frames there. */
  setSocket(socket: Socket, head: Buffer): void {
    this.take?.(socket, head)
  }
}

/** As much as is shown of what a server says when it refuses, in characters, and how long that is waited for. */
const SHOWN_ANSWER = 200
const ANSWER_WAIT_MS = 1_000

/**
 * Node gives up each address of a host but the last after 250 ms, and all have failed if the last one then refuses. That is too short on a slow network,
 * for a packet that is lost (RFC 6298 §2: it is sent again after a second), and in a process that is busy: each gets this part of `connect_timeout`.
 */
const ADDRESS_SHARE = 1 / 4

/** Starts to connect, over `ws` and a socket of our own, of TLS where there is `secure`; `sink` is told how it goes. */
export function open_socket(
  settings: NodeConnectSettings,
  secure: SecureSettings | undefined,
  sink: SocketEvents,
): OpenedSocket {
  const { unix_path, url } = parse_ws_url(settings.url)
  const shown = shown_url(settings.url)
  const autoSelectFamilyAttemptTimeout = Math.ceil(settings.connect_timeout * ADDRESS_SHARE)
  let stream!: Socket
  let refusal: NetError | undefined
  let failure: Error | undefined
  let deflate: DeflateParameters | undefined
  const options = {
    perMessageDeflate: settings.compression !== false && NO_CONTEXT_TAKEOVER,
    createConnection: ({ host = '', port }: { host?: string; port?: string | number }): Socket => {
      const address =
        unix_path === undefined
          ? { host, port: Number(port), autoSelectFamilyAttemptTimeout }
          : { path: unix_path }
      stream = secure === undefined ? connect(address) : connect_tls({ ...secure, ...address })
      return stream
    },
    followRedirects: false,
    finishRequest: (request: ClientRequest): void => offer_protocols(request, settings.protocols),
    ...(settings.headers === undefined ? {} : { headers: settings.headers }),
  }
  const ws = new HandshakeWebSocket(url, [...settings.protocols], options as ClientOptions)
  const fail = (why: string): void => {
    refusal = opening_error(shown, new Error(why))
    ws.terminate()
  }
  ws.on('upgrade', answer => {
    const wrong = judge_answer(answer, settings.protocols)
    if (wrong !== undefined) return fail(wrong)
    plain_lists(answer.headers)
    const extensions = answer.headers['sec-websocket-extensions']
    if (extensions === undefined) return
    deflate = agreed_deflate(extensions)
    if (deflate === undefined) fail('the permessage-deflate of the answer goes beyond what was offered')
  })
  ws.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
    // What Node does not take for an upgrade has no end that could be waited for.
    if (response.statusCode === 101)
      fail('it is answered 101 without the headers Upgrade and Connection: Upgrade')
    else
      read_answer(response, answer => {
        refusal = handshake_refused(shown, response, answer)
        ws.terminate()
      })
  })
  const tls_failure = secure === undefined ? () => undefined : explain_tls(stream, shown, secure)
  const wire = new Wire({ side: 'client', options: settings }, () => {
    ws.terminate()
    // While it opens, `ws` only does this at the end of the turn, and Node would connect first.
    stream.destroy()
  })
  ws.on('error', error => {
    failure ??= error
  })
  ws.on('close', () => {
    const error = failure ?? stream.errored ?? undefined
    const why = error && (refusal ?? tls_failure(error) ?? opening_error(shown, error))
    sink.socket_closed(ABNORMAL_CLOSURE, '', why)
  })
  ws.take = (socket, head) => {
    wire.open(sink, socket, head, deflate)
    sink.socket_opened()
  }
  return { port: wire, protocol: () => ws.protocol }
}

/** Sends the handshake. Its subprotocols stand as browsers write them: a server that divides them at `, ` finds none between bare commas. */
function offer_protocols(request: ClientRequest, protocols: readonly string[]): void {
  if (protocols.length > 0) request.setHeader('Sec-WebSocket-Protocol', protocols.join(', '))
  request.end()
}

function opening_error(url: string, cause: SystemError): NetError {
  const failed = (code: NetErrorCode, message: string): NetError =>
    new NetError(code, `connect: ${message}`, { cause })
  const decisive = decisive_error(cause)
  switch (decisive.code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return failed(
        'connection_refused',
        `nobody listens at ${url}${others(cause)}: start the server, or check the address`,
      )
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return failed(
        'connect_timeout',
        `nothing answers at ${url} (${error_text(cause)}): check the address, and what may stand between`,
      )
    case 'ENOTFOUND':
      return failed('host_not_found', `no host of that name for ${url}: check the name and the DNS`)
    case 'EAI_AGAIN':
      return failed('host_not_found', `the DNS does not answer for ${url}: check the network and the DNS`)
    case 'EMFILE':
    case 'ENFILE':
      return failed(
        'handshake_failed',
        `no file descriptor is left for ${url}: raise the limit (ulimit -n), or keep fewer files and sockets open`,
      )
    default:
      return failed('handshake_failed', `${url} did not open a WebSocket: ${why_not_opened(cause)}`)
  }
}

/** How the addresses of a host failed, if not all of them refused. */
function others({ errors = [] }: SystemError): string {
  return errors.every(({ code }) => code === 'ECONNREFUSED') ? '' : ` (${errors.map(error_text).join('; ')})`
}

/** Of an end, and of what is no HTTP, Node says what only those understand who know it. */
function why_not_opened(error: SystemError): string {
  const { code = '' } = error
  const text = error_text(error)
  const advice = 'check that a WebSocket server listens there'
  if (code === 'ECONNRESET') return `it ended the connection before it answered (${text}); ${advice}`
  if (code.startsWith('HPE_')) return `its answer can't be read as HTTP (${text}); ${advice}`
  return text
}

function handshake_refused(url: string, response: IncomingMessage, answer: string): NetError {
  const { statusCode, statusMessage, headers } = response
  const said = answer === '' ? '' : `: ${answer}`
  const location =
    headers.location === undefined
      ? ''
      : ` (it points to ${on_one_line(shown_url(headers.location))}; redirects are not followed)`
  const message = `connect: ${url} was answered ${statusCode} ${on_one_line(statusMessage ?? '')}${location}${said}`
  const cause = { status: statusCode }
  // Not enumerable: an error that is printed must not show cookies, or the token in a redirect.
  Object.defineProperty(cause, 'headers', { value: headers })
  return new NetError('handshake_refused', message, { cause })
}

/** Reads the beginning of what a server says, as text on one line. */
function read_answer(response: IncomingMessage, done: (answer: string) => void): void {
  let text = ''
  const finish = (): void => {
    clearTimeout(timer)
    response.removeAllListeners('data').removeAllListeners('close')
    done(on_one_line(text))
  }
  const timer = setTimeout(finish, ANSWER_WAIT_MS)
  response.setEncoding('utf8')
  response.on('data', (part: string) => {
    text += part
    if (text.length >= SHOWN_ANSWER) finish()
  })
  response.on('error', () => {})
  response.on('close', finish)
}

function on_one_line(text: string): string {
  return shown_text(text.replaceAll(/\s+/g, ' ').trim(), SHOWN_ANSWER)
}
