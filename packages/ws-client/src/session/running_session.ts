import { NetError } from '@bt/ws-protocol'
import {
  type ClientSessionOwner,
  type Connection,
  callback_error,
  closed_error,
  type Platform,
  type Resumption,
  SESSION_PROTOCOL,
  type SessionPlatform,
  SessionPort,
  type SocketEvents,
  type Welcome,
} from '@bt/ws-protocol/internal'
import type { AttemptOptions, ComputedRules } from '../client/attempt_options.js'
import type { RetryHint } from '../client/retry_rule.js'
import type { SessionHostSettings, SessionStarter } from '../client/session_host.js'
import type { ClientSession, SessionOpening } from '../client/session_option.js'
import type { OpenedSocket, ReopeningClient, SocketSource } from '../client/socket_source.js'
import { ClientSessionSocket } from './client_session_socket.js'
import {
  type ClientSessionOptions,
  check_host,
  type SessionSettings,
  session_settings,
} from './session_options.js'

/** How many bytes of messages that are not handled a client takes. */
const WINDOW_BYTES = 262_144

/** No control message is larger than this, in bytes. */
const MAX_CONTROL_BYTES = 1_024

/** How long to wait after the answer of a server without sessions, in milliseconds. */
const ODD_ANSWER_MS = 20_000

/** What the sockets of a platform need to carry a session. */
export interface SessionSockets {
  /** Whether the platform hides why a socket does not open, and takes messages of any size. */
  readonly is_page: boolean
  /** Makes the platform fit for sessions. */
  with_sessions(platform: Platform): SessionPlatform
}

type Messages = readonly (string | Uint8Array)[]

/** An opening of the client, until its `on_open` is called. */
interface Opening {
  readonly opening: SessionOpening
  /** What `on_unacknowledged` gets. */
  readonly lost: Messages
}

/** Makes the value of the option `session` for a platform. */
export function make_session(options: ClientSessionOptions, sockets: SessionSockets): ClientSession {
  const settings = session_settings(options)
  const starter: SessionStarter = {
    start: (host, source) => new RunningSession(settings, sockets, host, source),
  }
  return starter
}

/** The session of one client: what outlives its sockets. */
class RunningSession implements SocketSource, ClientSessionOwner {
  readonly side = 'client'
  readonly resends: boolean
  readonly platform: SessionPlatform
  readonly rules: ComputedRules
  readonly #settings: SessionSettings
  readonly #sockets: SessionSockets
  readonly #host: SessionHostSettings
  readonly #source: SocketSource
  #connection: Connection<unknown> | undefined
  #port: SessionPort | undefined
  #socket: ClientSessionSocket | undefined
  #token: Uint8Array = new Uint8Array()
  /** The user's subprotocol that the server has chosen. */
  #protocol = ''
  readonly #openings: Opening[] = []

  constructor(
    settings: SessionSettings,
    sockets: SessionSockets,
    host: SessionHostSettings,
    source: SocketSource,
  ) {
    check_host(host)
    this.#settings = settings
    this.#sockets = sockets
    this.#host = host
    this.#source = source
    this.rules = source.rules
    this.resends = settings.unacknowledged === 'resend'
    this.platform = sockets.with_sessions(source.platform)
  }

  // The client calls these two without their object.

  readonly acknowledged = (drained: Promise<void>): Promise<void> => {
    const acknowledged = drained.catch((cause: NetError) => {
      if (cause.code === 'closed') throw closed_error('acknowledged')
      const message =
        'acknowledged: the session has ended; the peer may or may not have handled what it has not acknowledged, see on_unacknowledged of session'
      throw new NetError('connection_lost', message, { cause })
    })
    // The end is reported in any case, so this rejection may go unhandled.
    acknowledged.catch(() => {})
    return acknowledged
  }

  readonly read_refusal = (error: NetError | undefined): RetryHint | undefined =>
    error !== undefined && error === this.#socket?.refusal
      ? { is_final: false, delay_ms: ODD_ANSWER_MS, spread_ms: 0 }
      : this.#source.read_refusal?.(error)

  before_close(client: ReopeningClient): void {
    // The session has to be ended over a socket.
    if (client.state === 'reconnecting' && this.#port?.has_session) client.reconnect()
  }

  opening(): readonly [SessionOpening] {
    const { opening, lost } = this.#openings.shift() as Opening
    this.#report_lost(lost)
    return [opening]
  }

  token(): Uint8Array {
    return this.#token
  }

  welcomed(welcome: Welcome, { recovered, in_doubt }: Resumption, lost: Messages): void {
    // The memory of a message belongs to its socket.
    this.#token = new Uint8Array(welcome.token)
    this.#protocol = welcome.protocol
    this.#connection?.lose(lost.length)
    // The callback for this opening is called in its turn, and not at all if the client is closing already.
    if (this.#connection?.state === 'closing') this.#report_lost(lost)
    else this.#openings.push({ opening: { recovered, in_doubt }, lost })
  }

  open(options: AttemptOptions, _events: SocketEvents, connection: Connection<unknown>): OpenedSocket {
    const { platform } = this
    const { is_page } = this.#sockets
    const { max_payload, close_timeout } = this.#host
    this.#connection = connection
    this.#port ??= new SessionPort({ window: WINDOW_BYTES, close_timeout }, connection, platform, this)
    const port = this.#port
    const socket = new ClientSessionSocket(port, { ...options, max_payload, is_page }, error =>
      connection.abandon(error),
    )
    socket.opened = this.#source.open(
      {
        ...options,
        protocols: [SESSION_PROTOCOL, ...options.protocols],
        // The socket of the session has the user's limit, which is not for control messages. A page gets whole
        // messages from the platform in any case.
        max_payload: is_page ? Number.POSITIVE_INFINITY : Math.max(max_payload, MAX_CONTROL_BYTES),
        leading_bytes: 1,
      },
      socket,
      connection,
    )
    socket.port = socket.opened.port
    this.#socket = socket
    port.take(socket)
    return {
      port,
      protocol: () => this.#protocol,
      waits_for: () => socket.waits_for ?? socket.opened.waits_for?.(),
    }
  }

  #report_lost(lost: Messages): void {
    const { on_unacknowledged } = this.#settings
    if (lost.length === 0) return
    if (on_unacknowledged === undefined) {
      const message = `the session with ${this.#socket?.shown} was not recovered: messages in doubt: ${lost.length}; give session on_unacknowledged, to get them, or unacknowledged: 'resend'`
      this.#connection?.report(new NetError('connection_lost', message))
      return
    }
    const notify = async (): Promise<void> => on_unacknowledged(lost)
    notify().catch(cause => this.#connection?.report(callback_error('on_unacknowledged', cause)))
  }
}
