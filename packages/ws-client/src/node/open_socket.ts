import type { ClientRequest, IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connect_tls, type ConnectionOptions as SecureSettings } from 'node:tls'
import { NetError, type NetErrorCode } from '@bt/ws-protocol'
import {
  ABNORMAL_CLOSURE,
  type Clock,
  type SocketEvents,
  shown_text,
  shown_url,
} from '@bt/ws-protocol/internal'
import {
  agreed_deflate,
  counting_bytes,
  type DeflateParameters,
  decisive_error,
  error_text,
  type NetworkAddress,
  type SystemError,
  Wire,
} from '@bt/ws-protocol/internal/node'
import { type ClientOptions, WebSocket } from 'ws'
import type { OpenedSocket } from '../client/client.js'
import type { NodeAttemptSettings } from './options.js'
import { FlawedUpgrade } from './refusal_hint.js'
import { watch_tls } from './tls_error.js'
import { normalize_lists, upgrade_response_flaw } from './upgrade_response.js'
import { parse_ws_url } from './ws_url.js'

/**
 * The compression that `ws` offers: each message by itself (RFC 7692 §7.1.1), so that neither side keeps
 * memory for the next.
 */
const NO_CONTEXT_TAKEOVER = { serverNoContextTakeover: true, clientNoContextTakeover: true }

/** Uses only the client's handshake of `ws`. The frames after it are handled by our own wire. */
class HandshakeWebSocket extends WebSocket {
  on_socket: ((stream: Duplex, head: Buffer) => void) | undefined

  /**
   * Overrides the method that `ws` calls after the handshake to start its own reader and writer of frames.
   */
  setSocket(stream: Duplex, head: Buffer): void {
    this.on_socket?.(stream, head)
  }
}

/** The part of the body of a refusal that is shown, in characters. */
const MAX_SHOWN_BODY = 200
const BODY_TIMEOUT_MS = 1_000

/**
 * The part of `connect_timeout` for each address of a host. Node's default of 250 ms for every address but
 * the last is too short on a slow network, for a lost packet, which is sent again after a second (RFC 6298
 * §2), and in a busy process; and the attempt fails if the last address then refuses.
 */
const ADDRESS_SHARE = 1 / 4

/**
 * Starts to connect, with the handshake of `ws` over a stream of our own, which uses TLS if `secure` is
 * given. `connect_stream` connects to another network than the machine's.
 */
export function open_socket(
  settings: NodeAttemptSettings,
  secure: SecureSettings | undefined,
  clock: Clock,
  events: SocketEvents,
  connect_stream: (address: NetworkAddress) => Duplex = connect,
): OpenedSocket {
  const { unix_path, url } = parse_ws_url(settings.url)
  const shown = shown_url(settings.url)
  const autoSelectFamilyAttemptTimeout = Math.ceil(settings.connect_timeout * ADDRESS_SHARE)
  let stream!: Duplex
  let refusal: NetError | undefined
  let failure: Error | undefined
  let deflate: DeflateParameters | undefined
  const options = {
    perMessageDeflate: settings.compression !== false && NO_CONTEXT_TAKEOVER,
    createConnection: ({ host = '', port }: { host?: string; port?: string | number }): Duplex => {
      const address =
        unix_path === undefined
          ? { host, port: Number(port), autoSelectFamilyAttemptTimeout }
          : { path: unix_path }
      stream = secure === undefined ? connect_stream(address) : connect_tls({ ...secure, ...address })
      return stream
    },
    followRedirects: false,
    finishRequest: (request: ClientRequest): void => offer_protocols(request, settings.protocols),
    ...(settings.headers === undefined ? {} : { headers: settings.headers }),
  }
  const ws = new HandshakeWebSocket(url, [...settings.protocols], options as unknown as ClientOptions)
  const fail = (reason: string): void => {
    refusal = opening_error(shown, new FlawedUpgrade(reason))
    ws.terminate()
  }
  ws.on('upgrade', response => {
    const flaw = upgrade_response_flaw(response, settings.protocols)
    if (flaw !== undefined) return fail(flaw)
    normalize_lists(response.headers)
    const extensions = response.headers['sec-websocket-extensions']
    if (extensions === undefined) return
    deflate = agreed_deflate(extensions)
    if (deflate === undefined) fail('the permessage-deflate of the answer goes beyond what was offered')
  })
  ws.on('unexpected-response', (_request: ClientRequest, response: IncomingMessage) => {
    // Node does not treat this 101 as an upgrade, and its body never ends.
    if (response.statusCode === 101)
      fail('it is answered 101 without the headers Upgrade and Connection: Upgrade')
    else
      read_body(response, body => {
        refusal = handshake_refused(shown, response, body)
        ws.terminate()
      })
  })
  const tls_failure = secure === undefined ? () => undefined : watch_tls(stream as Socket, shown, secure)
  const wire = new Wire({ side: 'client', options: settings, clock }, () => {
    ws.terminate()
    // During the handshake `ws` destroys the socket only at the end of the turn, and Node would still
    // connect.
    stream.destroy()
  })
  ws.on('error', error => {
    failure ??= error
  })
  ws.on('close', () => {
    const error = failure ?? stream.errored ?? undefined
    const reported = error && (refusal ?? tls_failure(error) ?? opening_error(shown, error))
    events.socket_closed(ABNORMAL_CLOSURE, '', reported)
  })
  ws.on_socket = (stream, head) => {
    wire.open(events, counting_bytes(stream), head, deflate)
    events.socket_opened()
  }
  return { port: wire, protocol: () => ws.protocol }
}

/**
 * Sends the handshake, with subprotocols in the format of browsers, because some servers split the list at
 * `, `.
 */
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
        `nobody listens at ${url}${address_errors(cause)}: start the server, or check the address`,
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
      return failed('handshake_failed', `${url} did not open a WebSocket: ${explain_failure(cause)}`)
  }
}

/** Returns the errors of all addresses of a host, unless all of them refused. */
function address_errors({ errors = [] }: SystemError): string {
  return errors.every(({ code }) => code === 'ECONNREFUSED') ? '' : ` (${errors.map(error_text).join('; ')})`
}

/**
 * Explains an early end of the connection and invalid HTTP, for which Node's errors are hard to understand.
 */
function explain_failure(error: SystemError): string {
  const { code = '' } = error
  const text = error_text(error)
  const advice = 'check that a WebSocket server listens there'
  if (code === 'ECONNRESET') return `it ended the connection before it answered (${text}); ${advice}`
  if (code.startsWith('HPE_')) return `its answer can't be read as HTTP (${text}); ${advice}`
  return text
}

function handshake_refused(url: string, response: IncomingMessage, body: string): NetError {
  const { statusCode, statusMessage, headers } = response
  const shown_body = body === '' ? '' : `: ${body}`
  const location =
    headers.location === undefined
      ? ''
      : ` (it points to ${on_one_line(shown_url(headers.location))}; redirects are not followed)`
  const message = `connect: ${url} was answered ${statusCode} ${on_one_line(statusMessage ?? '')}${location}${shown_body}`
  const cause = { status: statusCode }
  // Not enumerable, so that a printed error shows neither cookies nor the token in a redirect.
  Object.defineProperty(cause, 'headers', { value: headers })
  return new NetError('handshake_refused', message, { cause })
}

/** Reads the start of a response body, as text on one line. */
function read_body(response: IncomingMessage, done: (body: string) => void): void {
  let text = ''
  const finish = (): void => {
    clearTimeout(timer)
    response.removeAllListeners('data').removeAllListeners('close')
    done(on_one_line(text))
  }
  const timer = setTimeout(finish, BODY_TIMEOUT_MS)
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    if (text.length >= MAX_SHOWN_BODY) finish()
  })
  response.on('error', () => {})
  response.on('close', finish)
}

function on_one_line(text: string): string {
  return shown_text(text.replaceAll(/\s+/g, ' ').trim(), MAX_SHOWN_BODY)
}
