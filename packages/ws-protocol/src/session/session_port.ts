import type { Runnable, SocketEvents, SocketPort } from '../connection/socket_port.js'
import { NetError } from '../errors/errors.js'
import {
  ABNORMAL_CLOSURE,
  GOING_AWAY,
  PROTOCOL_ERROR,
  SERVICE_RESTART,
  TRY_AGAIN_LATER,
} from '../frames/close_code.js'
import { LEADING_BYTE } from '../frames/leading_byte.js'
import type { Batch } from '../queues/batch.js'
import type { CancelTimer } from '../time/clock.js'
import { start_peer_timeout } from '../time/peer_timeout.js'
import { CHECKS_PER_SPAN } from '../time/periodic_check.js'
import { type Control, type End, type Hello, read_control, type Welcome, write_control } from './control.js'
import type { KeptMessages } from './kept_messages.js'
import { type Resumption, Session, SessionViolation } from './session.js'
import type { SessionPlatform } from './session_platform.js'

/** After how many handled bytes an acknowledgement is due, at most. */
const ACK_BYTES = 65_536
/** The longest delay of an acknowledgement, in milliseconds. */
const ACK_DELAY_MS = 200
/** More pings and pongs than this within a second are a flood. */
const MAX_PINGS = 1_024
const PINGS_MS = 1_000

/** The codes of a Close with which proxies and servers ask a client to come back. */
const RETRY_CODES = [GOING_AWAY, SERVICE_RESTART, TRY_AGAIN_LATER]

/** What waits for the socket, as bits. */
const ACK = 1
const PING = 2
const PONG = 4

const NO_INBOX = { bytes: 0 }
const NO_NUMBERS: readonly number[] = []

/** The settings of a {@link SessionPort}. */
export interface SessionPortSettings {
  /** How many bytes of messages that are not handled this side takes. */
  readonly window: number
  /** How long a socket may take to end once the other side has sent its Close, in milliseconds. */
  readonly close_timeout: number
}

/** The owner of a {@link SessionPort} on a client. */
export interface ClientSessionOwner {
  readonly side: 'client'
  /** Whether a new session begins with the messages of the earlier one that are in doubt. */
  readonly resends: boolean
  /** Returns the token for the next hello; empty for a new session. */
  token(): Uint8Array
  /** A socket is open, and the server has answered. `in_doubt`: the messages in doubt, unless they are sent again. */
  welcomed(welcome: Welcome, resumption: Resumption, in_doubt: readonly (string | Uint8Array)[]): void
}

/** The owner of a {@link SessionPort} on a server. */
export interface ServerSessionOwner {
  readonly side: 'server'
  /** The session has lost its socket, and waits for the next one. */
  away(): void
}

type SessionOwner = ClientSessionOwner | ServerSessionOwner

/**
 * The transport of a connection that outlives its sockets. It keeps messages until the other side has handled
 * them, and sends those again that were lost with a socket. To its connection, a message is unsent until it is
 * handled. A client's connection learns of each socket that is lost, a server's only of the end of the session.
 */
export class SessionPort implements SocketPort {
  readonly session: Session
  readonly connection: SocketEvents
  readonly #settings: SessionPortSettings
  readonly #platform: SessionPlatform
  readonly #owner: SessionOwner
  /** What is not acknowledged. An idle session takes less memory without it. */
  #kept: KeptMessages | undefined
  #socket: SessionSocket | undefined
  /** What is still to be sent again. */
  #replay: Iterator<Batch> | undefined
  /** The code with which the end of the socket is reported, if this side has dropped it on purpose. */
  #dropped_with: number | undefined
  /** What the socket could not take yet: {@link ACK}, {@link PING} and {@link PONG}. */
  #pending = 0
  #pending_close: { readonly code: number; readonly reason: string } | undefined
  /** Whether the other side should acknowledge soon, each time that something was written. */
  #wants_ack = false
  /** What the other side has said when it ended the session. */
  #end: End | undefined
  /** The numbers of messages, in order: once such a message is handled, an acknowledgement is due. */
  #ack_due = NO_NUMBERS
  #bytes_since_due = 0
  #cancel_ack: CancelTimer | undefined
  /** Stops the time limit for a socket whose peer has closed it. */
  #cancel_ending: CancelTimer | undefined
  #untold_since_ms = 0
  #pings = 0
  #pings_since_ms = 0
  /** How often a server's connection has looked for a sign of life. */
  #checks = 0
  #silent_checks = 0
  #signs_of_life = 0

  constructor(
    settings: SessionPortSettings,
    connection: SocketEvents,
    platform: SessionPlatform,
    owner: SessionOwner,
  ) {
    this.#settings = settings
    this.connection = connection
    this.#platform = platform
    this.#owner = owner
    this.session = new Session(settings.window)
  }

  get keeps_messages(): boolean {
    return true
  }

  /** Goes on with another socket. The previous one is ended, and what it still reports has no effect. */
  take(socket: SessionSocket): void {
    const previous = this.#socket
    this.#detach()
    this.#socket = socket
    this.#dropped_with = undefined
    previous?.port.terminate()
  }

  /** The latest socket; `undefined` if it has ended. */
  get socket(): SessionSocket | undefined {
    return this.#socket
  }

  /**
   * Answers the hello of the client on the latest socket, which is for this session, or with `recovered: false`
   * begins it. Returns `false` if the session cannot go on: the client has forgotten what it has said before.
   *
   * @throws SessionViolation if its counts are impossible
   */
  greeted(hello: Hello, welcome: Pick<Welcome, 'recovered' | 'token' | 'hold_ms' | 'protocol'>): boolean {
    const counts = this.session.greet()
    const theirs = welcome.recovered ? hello : { ...hello, received: 0, handled: 0 }
    const before = this.session.unacknowledged
    const resumption = this.session.resume(theirs)
    if (resumption === false) return false
    this.#forget(before - this.session.unacknowledged)
    this.#write({ type: 'welcome', ...counts, ...welcome })
    this.#go_on(resumption.skip)
    this.connection.socket_drained()
    return true
  }

  get has_session(): boolean {
    const owner = this.#owner
    return owner.side !== 'server' && !this.session.has_ended && owner.token().length > 0
  }

  get is_away(): boolean {
    return this.#socket === undefined
  }

  get is_writable(): boolean {
    if (this.session.has_ended) return false
    return this.#owner.side === 'server' || (this.session.is_attached && this.#port?.is_writable === true)
  }

  get takes_batch(): boolean {
    return (
      this.session.is_attached &&
      this.#replay === undefined &&
      this.buffered_bytes < this.session.peer_window &&
      this.#port?.takes_batch === true
    )
  }

  get is_close_sent(): boolean {
    return this.#socket?.port.is_close_sent === true
  }

  get unsent(): number {
    return this.session.unacknowledged
  }

  get buffered_bytes(): number {
    return this.#kept?.bytes ?? 0
  }

  write(batch: Batch): void {
    this.#kept ??= this.#platform.make_kept(this.#owner.side !== 'server')
    const written = this.#kept.add(batch)
    this.session.wrote(batch.messages)
    this.#port?.write(written)
    if (this.#wants_ack) this.request_ack()
  }

  /** Asks the other side to acknowledge as soon as it has handled what it gets now, instead of after a while. */
  request_ack(): void {
    this.#wants_ack = true
    if ((this.#pending & PING) !== 0 || this.session.unacknowledged === 0) return
    this.#pending |= PING
    // Once for all that is written in this turn.
    this.#platform.defer(() => this.#flush())
  }

  close(code: number, reason: string, is_replaced?: boolean): void {
    const port = this.#port
    // The session needs no Close to go on with the next socket, and a dead peer would not answer it.
    if (is_replaced) {
      this.#dropped_with = code
      port?.terminate()
      return
    }
    this.session.has_ended = true
    if (port === undefined) this.#report_end()
    else if (port.is_writable && this.session.is_attached) {
      this.#pending_close = { code, reason }
      this.#flush()
    } else port.close(code, reason)
  }

  end_session(code: number): void {
    // 1006 never travels (RFC 6455 §7.4.1).
    if (this.session.is_attached && this.#port?.takes_batch)
      this.#write_end(code === ABNORMAL_CLOSURE ? GOING_AWAY : code)
  }

  terminate(): void {
    const port = this.#port
    // A client that only loses its socket calls this, too.
    if (this.#owner.side === 'server') this.session.has_ended = true
    if (port === undefined) this.#report_end()
    else port.terminate()
  }

  signs_of_life(): number {
    // The session can ask for a sign of life on every platform.
    const signs_of_life = this.#port?.signs_of_life(this) ?? 0
    return this.#owner.side === 'server' ? this.#check(signs_of_life) : signs_of_life
  }

  ping(): void {
    if (this.#owner.side === 'server') {
      this.#port?.ping()
      return
    }
    this.#pending |= PING
    this.#flush()
  }

  // The window slows the other side. Without reading, this side would miss what lets its own messages go on.
  pause(): void {}
  resume(): void {}

  may_run(inbox: Runnable): boolean {
    return this.#port?.may_run?.(inbox) ?? true
  }

  handled(): void {
    const { session } = this
    session.did_handle()
    if (session.untold === 0) return
    const due = this.#ack_due[0]
    if (due !== undefined && session.handled >= due) this.#acknowledge()
    else if (this.#cancel_ack === undefined) this.#acknowledge_later()
  }

  // Events of the socket

  /** The socket is open. */
  opened(): void {
    const owner = this.#owner
    if (owner.side === 'server') return
    this.#end = undefined
    const token = this.session.has_ended ? new Uint8Array() : owner.token()
    this.#write({ type: 'hello', token, ...this.session.greet() })
  }

  /** A message has arrived. */
  message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    try {
      if (typeof data === 'string') this.#arrived(data, payload_bytes, memory_bytes)
      else if (data[0] === LEADING_BYTE.APPLICATION)
        this.#arrived(data.subarray(1), payload_bytes - 1, memory_bytes)
      else this.#control(read_control(data))
    } catch (error) {
      if (!(error instanceof SessionViolation)) throw error
      this.connection.socket_failed(
        new NetError('protocol_error', `closed with 1002: ${error.message}`),
        PROTOCOL_ERROR,
      )
    }
    if (this.#platform.has_late_timers && this.#cancel_ack !== undefined && this.#is_ack_late)
      this.#acknowledge()
  }

  /** The network has taken what was written. */
  drained(): void {
    this.#flush()
    if (this.#replay === undefined) this.connection.socket_drained()
  }

  /** The other side has sent its Close, or ended its side. */
  ending(socket: SessionSocket): void {
    if (this.#owner.side === 'server' && !this.session.has_ended)
      this.#cancel_ending = start_peer_timeout(this.#platform.clock, this.#settings.close_timeout, () =>
        socket.port.terminate(),
      )
    else this.connection.socket_ending()
  }

  /** The socket has ended. */
  closed(code: number, reason: string, error?: NetError): void {
    const { session, connection } = this
    const owner = this.#owner
    const socket = this.#socket
    const end = this.#end
    const was_attached = session.is_attached
    this.#detach()
    if (end !== undefined) connection.socket_closed(end.code, code === end.code ? reason : '')
    else if (session.has_ended) connection.socket_closed(code, reason, error)
    else if (owner.side !== 'server') this.#lost(was_attached, code, reason, error)
    if (owner.side === 'server') {
      // An ended session keeps its socket, which goes on counting the memory of messages that wait for a callback.
      if (session.has_ended) return
      this.#socket = undefined
      owner.away()
    } else if (this.#socket === socket) {
      // The user has not had the next one opened meanwhile.
      this.#socket = undefined
    }
  }

  get #port(): SocketPort | undefined {
    return this.#socket?.port
  }

  /** Reports that a client has lost a socket. */
  #lost(was_attached: boolean, code: number, reason: string, error?: NetError): void {
    const { connection } = this
    // What a Close without the control message says may come from a proxy.
    if (!was_attached || RETRY_CODES.includes(code)) connection.socket_closed(code, reason, error)
    else connection.socket_closed(this.#dropped_with ?? ABNORMAL_CLOSURE, '', error)
  }

  #arrived(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    const { session } = this
    if (!session.is_attached) throw new SessionViolation('the peer sent a message before its welcome')
    session.arrived()
    // The control message that ends the session says that no further message is handled.
    if (session.has_ended) return
    this.#bytes_since_due += payload_bytes
    if (this.#bytes_since_due >= Math.min(ACK_BYTES, this.#settings.window / 4)) {
      this.#ack_due = [...this.#ack_due, session.received]
      this.#bytes_since_due = 0
    }
    this.connection.socket_message(data, payload_bytes, memory_bytes)
  }

  #control(message: Control | undefined): void {
    switch (message?.type) {
      case 'welcome':
        if (this.session.is_attached || this.#owner.side === 'server') break
        if (message.recovered && !this.has_session) break
        this.#welcomed(message, this.#owner)
        return
      case 'ack':
        if (!this.session.is_attached) break
        this.#forget(this.session.acknowledged_by(message.handled))
        this.drained()
        if (this.session.unacknowledged === 0) this.#wants_ack = false
        return
      case 'end':
        if (!this.session.is_attached || this.#end !== undefined) break
        this.#end = message
        this.#forget(this.session.ended(message.handled))
        // The Close has to follow soon: nothing more can be sent.
        this.connection.socket_ending()
        return
      case 'ping':
        this.#count_ping()
        this.#pending |= PONG
        if (this.#ack_due.at(-1) !== this.session.received && this.session.handled < this.session.received)
          this.#ack_due = [...this.#ack_due, this.session.received]
        this.#acknowledge_now()
        return
      case 'pong':
        this.#count_ping()
        return
    }
    throw new SessionViolation(
      `the peer sent a control message that is not valid here: ${message?.type ?? 'unknown'}`,
    )
  }

  #welcomed(welcome: Welcome, owner: ClientSessionOwner): void {
    const before = this.session.unacknowledged
    const resumption = this.session.welcomed(welcome, owner.resends)
    const gone = before - this.session.unacknowledged
    if (!resumption.recovered) {
      this.#ack_due = NO_NUMBERS
      this.#bytes_since_due = 0
    }
    owner.welcomed(welcome, resumption, resumption.recovered ? [] : (this.#kept?.take(gone) ?? []))
    if (resumption.recovered) this.#forget(gone)
    this.#go_on(resumption.skip)
    this.connection.socket_opened()
  }

  /** The end of a server's socket is not that of its connection, so the port itself drops a silent one. */
  #check(signs_of_life: number): number {
    this.#checks += 1
    this.#silent_checks = signs_of_life === this.#signs_of_life ? this.#silent_checks + 1 : 0
    this.#signs_of_life = signs_of_life
    if (this.#silent_checks >= 2 * CHECKS_PER_SPAN) this.#port?.terminate()
    else if (this.#silent_checks === CHECKS_PER_SPAN) this.#port?.ping()
    return this.#checks
  }

  /** Forgets messages that are handled, the oldest ones. */
  #forget(messages: number): void {
    this.#kept?.forget(messages)
    if (this.session.unacknowledged === 0) this.#kept = undefined
  }

  #count_ping(): void {
    this.#pings += 1
    if (this.#pings % MAX_PINGS !== 1) return
    // A fraction would take memory of its own.
    const now_ms = Math.floor(this.#platform.clock.now_ms())
    const is_flood = this.#pings > 1 && now_ms - this.#pings_since_ms < PINGS_MS
    this.#pings_since_ms = now_ms
    if (is_flood) throw new SessionViolation(`the peer sent ${MAX_PINGS} pings and pongs within a second`)
  }

  /** Reports the end of a session that has no socket. */
  #report_end(): void {
    this.#platform.defer(() => this.connection.socket_closed(ABNORMAL_CLOSURE, ''))
  }

  /** Sends what is to be sent again. */
  #go_on(skip: number): void {
    this.#replay = this.#kept?.without_first(skip)
    this.#flush()
    if (this.#wants_ack) this.request_ack()
  }

  /** Writes what waits, as far as the socket takes it: control messages first. */
  #flush(): void {
    const port = this.#port
    const { session } = this
    if (this.#pending & ACK && session.is_attached && port?.takes_batch) {
      this.#pending &= ~ACK
      // What became due while the socket was opening, the first message on it may have said already.
      if (session.untold > 0) this.#write(session.acknowledge())
    }
    if (this.#pending & PONG && port?.takes_batch) {
      this.#pending &= ~PONG
      this.#write({ type: 'pong' })
    }
    while (this.#replay !== undefined && port?.takes_batch) {
      const { value } = this.#replay.next()
      if (value === undefined) this.#replay = undefined
      else {
        session.wrote_again(value.messages)
        port.write(value)
      }
    }
    if (this.#pending & PING && session.is_attached && this.#replay === undefined && port?.takes_batch) {
      this.#pending &= ~PING
      this.#write({ type: 'ping' })
    }
    if (this.#pending_close !== undefined && port?.takes_batch) {
      const { code, reason } = this.#pending_close
      this.#pending_close = undefined
      this.#write_end(code)
      port.close(code, reason)
    }
  }

  #acknowledge(): void {
    this.#stop_ack_timer()
    const { handled } = this.session
    const later = this.#ack_due.filter(due => due > handled)
    this.#ack_due = later.length > 0 ? later : NO_NUMBERS
    this.#acknowledge_now()
  }

  #acknowledge_now(): void {
    if (this.session.untold > 0) this.#pending |= ACK
    this.#flush()
  }

  #acknowledge_later(): void {
    const { clock, has_late_timers } = this.#platform
    if (has_late_timers) this.#untold_since_ms = clock.now_ms()
    this.#cancel_ack = clock.start_timer(ACK_DELAY_MS, () => this.#acknowledge())
  }

  get #is_ack_late(): boolean {
    return this.#platform.clock.now_ms() - this.#untold_since_ms >= ACK_DELAY_MS
  }

  #stop_ack_timer(): void {
    this.#cancel_ack?.()
    this.#cancel_ack = undefined
  }

  #write_end(code: number): void {
    this.#write(this.session.end(code, this.connection.inbox.running === 'on_message'))
  }

  #write(message: Control): void {
    this.#port?.write(this.#platform.make_control(write_control(message), this.#owner.side !== 'server'))
  }

  #detach(): void {
    this.session.detach()
    this.#replay = undefined
    this.#pending = 0
    this.#silent_checks = 0
    this.#cancel_ending?.()
    this.#stop_ack_timer()
  }
}

/** The events of one socket of a session, as long as it is the latest one. */
export class SessionSocket implements SocketEvents {
  /** Set before its first event. */
  port!: SocketPort
  readonly #session: SessionPort

  constructor(session: SessionPort) {
    this.#session = session
  }

  get inbox(): SocketEvents['inbox'] {
    return this.#is_latest ? this.#session.connection.inbox : NO_INBOX
  }

  shed(error: NetError, code: number, reason: string): boolean {
    return this.#is_latest && this.#session.connection.shed?.(error, code, reason) === true
  }

  close(): true {
    return this.#is_latest ? this.#session.connection.close() : true
  }

  socket_opened(): void {
    if (this.#is_latest) this.#session.opened()
  }

  socket_message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    if (this.#is_latest) this.#session.message(data, payload_bytes, memory_bytes)
  }

  socket_drained(): void {
    if (this.#is_latest) this.#session.drained()
  }

  socket_failed(error: NetError, code: number): void {
    if (this.#is_latest) this.#session.connection.socket_failed(error, code)
    else this.port.close(code, '')
  }

  socket_ending(): void {
    if (this.#is_latest) this.#session.ending(this)
  }

  socket_closed(code: number, reason: string, error?: NetError): void {
    if (this.#is_latest) this.#session.closed(code, reason, error)
  }

  get #is_latest(): boolean {
    return this.#session.socket === this
  }
}
