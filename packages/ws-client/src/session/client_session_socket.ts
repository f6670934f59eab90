import { NetError } from '@bt/ws-protocol'
import {
  ABNORMAL_CLOSURE,
  LEADING_BYTE,
  MESSAGE_TOO_BIG,
  PROTOCOL_ERROR,
  read_control,
  SESSION_PROTOCOL,
  type SessionPort,
  SessionSocket,
  shown_url,
  UNSUPPORTED_DATA,
} from '@bt/ws-protocol/internal'
import type { AttemptOptions } from '../client/attempt_options.js'
import type { OpenedSocket } from '../client/socket_source.js'
import { too_large } from '../client/too_large.js'

/** What is wrong if a server answers as one without sessions does. */
const BOTH_SIDES = 'give listen the option sessions, or leave out the option session here'

/** The settings of a {@link ClientSessionSocket}. */
export interface SessionSocketSettings extends Pick<AttemptOptions, 'url' | 'protocols'> {
  /** Whether the platform hides why a socket does not open. */
  readonly is_page: boolean
  readonly max_payload: number
}

/** A socket of a client's session. It checks that the server knows sessions. */
export class ClientSessionSocket extends SessionSocket {
  /** Why this socket carries no session. */
  refusal: NetError | undefined
  /** The socket, as soon as there is one. */
  opened!: OpenedSocket
  #state: 'opening' | 'greeting' | 'greeted' = 'opening'
  readonly #port: SessionPort
  readonly #settings: SessionSocketSettings
  /** Gives up the attempt. */
  readonly #abandon: (error: NetError) => void

  constructor(port: SessionPort, settings: SessionSocketSettings, abandon: (error: NetError) => void) {
    super(port)
    this.#port = port
    this.#settings = settings
    this.#abandon = abandon
  }

  /** Names what the client waits for, once it is not the opening of the socket. */
  get waits_for(): string | undefined {
    return this.#state === 'greeting'
      ? `a session with ${this.shown}, which needs the option sessions there for the option session here,`
      : undefined
  }

  override socket_opened(): void {
    if (this.opened.protocol() !== SESSION_PROTOCOL) {
      this.#refuse(`its subprotocol is not that of sessions; ${BOTH_SIDES}`)
      return
    }
    this.#state = 'greeting'
    super.socket_opened()
  }

  override socket_message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    const { max_payload } = this.#settings
    if (this.#state === 'greeting' && this.#is_latest) {
      const flaw = this.#welcome_flaw(data)
      if (flaw !== undefined) {
        this.#refuse(flaw)
        return
      }
      this.#state = 'greeted'
    }
    const is_control = data[0] === LEADING_BYTE.CONTROL
    const own_bytes = typeof data === 'string' ? payload_bytes : payload_bytes - 1
    if (own_bytes > max_payload && !is_control)
      this.socket_failed(too_large(own_bytes, max_payload), MESSAGE_TOO_BIG)
    else super.socket_message(data, payload_bytes, memory_bytes)
  }

  override socket_closed(code: number, reason: string, error?: NetError): void {
    if (this.#state === 'greeting') {
      this.#closed_ungreeted(code, reason)
      return
    }
    // A browser shows no more than this if the server has chosen no subprotocol.
    const is_unexplained = this.#state === 'opening' && this.#settings.is_page && error !== undefined
    super.socket_closed(
      code,
      reason,
      is_unexplained
        ? new NetError(error.code, `${error.message}; or it has no sessions: ${BOTH_SIDES}`, { cause: error })
        : error,
    )
  }

  #closed_ungreeted(code: number, reason: string): void {
    if (code === PROTOCOL_ERROR || code === UNSUPPORTED_DATA) {
      this.refusal = this.#no_session(`it closed with ${code} after the hello of the session; ${BOTH_SIDES}`)
      super.socket_closed(ABNORMAL_CLOSURE, '', this.refusal)
    } else {
      const end =
        code === ABNORMAL_CLOSURE ? 'the connection was lost' : `it closed with ${`${code} ${reason}`.trim()}`
      super.socket_closed(code, reason, this.#no_session(`${end} before its welcome`))
    }
  }

  /** Returns what is wrong with the first message of the server. */
  #welcome_flaw(data: string | Uint8Array): string | undefined {
    const welcome =
      typeof data !== 'string' && data[0] === LEADING_BYTE.CONTROL ? read_control(data) : undefined
    if (welcome?.type !== 'welcome') return `its first message is not that of a session; ${BOTH_SIDES}`
    const { protocols } = this.#settings
    // As without a session, for which browsers and RFC 6455 §4.1 have this rule.
    return protocols.length === 0 || protocols.includes(welcome.protocol)
      ? undefined
      : 'it takes none of the subprotocols that are offered; offer one that it knows, or leave out the option protocols'
  }

  #refuse(flaw: string): void {
    if (!this.#is_latest) return
    this.refusal = this.#no_session(flaw)
    this.#abandon(this.refusal)
  }

  #no_session(flaw: string): NetError {
    return new NetError('handshake_failed', `connect: ${this.shown} did not open a session: ${flaw}`)
  }

  get #is_latest(): boolean {
    return this.#port.socket === this
  }

  /** The URL, as it may be shown. */
  get shown(): string {
    return shown_url(this.#settings.url)
  }
}
