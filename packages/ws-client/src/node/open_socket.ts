import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { NetError } from '@bt/ws-protocol'
import { ABNORMAL_CLOSURE, type Clock, type SocketEvents, shown_url } from '@bt/ws-protocol/internal'
import {
  agreed_deflate,
  counting_bytes,
  type DeflateParameters,
  Wire,
  type WireTraits,
} from '@bt/ws-protocol/internal/node'
import { type ClientOptions, WebSocket } from 'ws'
import type { OpenedSocket } from '../client/socket_source.js'
import { handshake_refused, MAX_SHOWN_RESPONSE, on_one_line, opening_error } from './errors/opening_error.js'
import { OpeningStream, type Route } from './opening_stream.js'
import type { NodeAttemptSettings } from './options.js'
import { FlawedUpgrade } from './refusal_hint.js'
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

const BODY_TIMEOUT_MS = 1_000

/**
 * The part of `connect_timeout` for each address of a host. Node's default of 250 ms for every address but
 * the last is too short on a slow network, for a lost packet, which is sent again after a second (RFC 6298
 * §2), and in a busy process; and the attempt fails if the last address then refuses.
 */
const ADDRESS_SHARE = 1 / 4

/** Starts to connect, with the handshake of `ws` over a stream of our own, or of the option `agent`. */
export function open_socket(
  settings: NodeAttemptSettings,
  route: Route,
  clock: Clock,
  events: SocketEvents,
): OpenedSocket {
  const { unix_path, url } = parse_ws_url(settings.url)
  const shown = shown_url(settings.url)
  const address_timeout_ms = Math.ceil(settings.connect_timeout * ADDRESS_SHARE)
  const stream = new OpeningStream(route, { shown, unix_path, address_timeout_ms })
  let refusal: NetError | undefined
  let failure: Error | undefined
  let deflate: DeflateParameters | undefined
  const options = {
    ...stream.request_options,
    perMessageDeflate: settings.compression !== false && NO_CONTEXT_TAKEOVER,
    followRedirects: false,
    finishRequest: (request: ClientRequest): void => {
      stream.watch(request)
      offer_protocols(request, settings.protocols)
    },
    ...(settings.headers === undefined ? {} : { headers: settings.headers }),
  }
  const { leading_bytes = 0 } = settings
  const traits: WireTraits = { side: 'client', options: settings, clock, leading_bytes }
  let ws: HandshakeWebSocket
  try {
    ws = new HandshakeWebSocket(url, [...settings.protocols], options as unknown as ClientOptions)
  } catch (error) {
    // An agent has thrown. The client expects to hear of it later.
    process.nextTick(() => events.socket_closed(ABNORMAL_CLOSURE, '', stream.explain(error as Error)))
    return { port: new Wire(traits, () => {}), protocol: () => '' }
  }
  const fail = (reason: string): void => {
    refusal = opening_error({ kind: 'server', shown }, new FlawedUpgrade(reason))
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
  ws.on('unexpected-response', (request: ClientRequest, response: IncomingMessage) => {
    // Node does not treat this 101 as an upgrade, and its body never ends.
    if (response.statusCode === 101)
      fail('it is answered 101 without the headers Upgrade and Connection: Upgrade')
    else
      read_body(response, body => {
        refusal = stream.proxy_refusal(request, response) ?? refused_by_server(shown, response, body)
        ws.terminate()
      })
  })
  const wire = new Wire(traits, () => {
    ws.terminate()
    // During the handshake `ws` destroys the socket only at the end of the turn, and Node would still
    // connect.
    stream.destroy()
  })
  ws.on('error', error => {
    failure ??= error
  })
  ws.on('close', () => {
    const error = failure ?? stream.errored
    const reported = error && (refusal ?? stream.explain(error))
    events.socket_closed(ABNORMAL_CLOSURE, '', reported)
  })
  ws.on_socket = (stream, head) => {
    wire.open(events, counting_bytes(stream), head, deflate)
    events.socket_opened()
  }
  return {
    port: wire,
    protocol: () => ws.protocol,
    waits_for: () => (ws.readyState === WebSocket.CONNECTING ? stream.pending_proxy : undefined),
  }
}

/**
 * Sends the handshake, with subprotocols in the format of browsers, because some servers split the list at
 * `, `.
 */
function offer_protocols(request: ClientRequest, protocols: readonly string[]): void {
  if (protocols.length > 0) request.setHeader('Sec-WebSocket-Protocol', protocols.join(', '))
  request.end()
}

function refused_by_server(url: string, response: IncomingMessage, body: string): NetError {
  const { statusCode, statusMessage = '', headers } = response
  const shown_body = body === '' ? '' : `: ${body}`
  const location =
    headers.location === undefined
      ? ''
      : ` (it points to ${on_one_line(shown_url(headers.location))}; redirects are not followed)`
  return handshake_refused(
    `${url} was answered ${statusCode} ${on_one_line(statusMessage)}${location}${shown_body}`,
    response,
    'server',
  )
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
    if (text.length >= MAX_SHOWN_RESPONSE) finish()
  })
  response.on('error', () => {})
  response.on('close', finish)
}
