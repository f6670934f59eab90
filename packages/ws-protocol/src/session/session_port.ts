import type { Platform } from '../connection/platform.js'
import type { Runnable, SocketEvents, SocketPort } from '../connection/socket_port.js'
import { NetError } from '../errors/errors.js'
import { ABNORMAL_CLOSURE, PROTOCOL_ERROR } from '../frames/close_code.js'
import type { Probe } from '../options/probe_option.js'
import type { Batch } from '../queues/batch.js'
import type { CancelTimer } from '../time/clock.js'
import { start_peer_timeout } from '../time/peer_timeout.js'
import {
  APPLICATION,
  type Control,
  type End,
  type Hello,
  read_control,
  type Welcome,
  write_control,
} from './control.js'
import { type KeptBatch, KeptMessages } from './kept_messages.js'
import { type Resumption, Session, SessionViolation } from './session.js'

/** After how many bytes that are handled the other side is told, at most. */
const ACK_BYTES = 65_536
/** How long the other side is not told of a handled message, at most, in milliseconds. */
const ACK_DELAY_MS = 200

/** What a session needs of its platform. */
export interface SessionPlatform extends Pick<Platform, 'clock' | 'defer' | 'make_queue'> {
  /** Keeps a batch of the platform's queue. `is_masked`: for a client. */
  keep(batch: Batch, is_masked: boolean): KeptBatch
}

/** The settings of a {@link SessionPort}. */
export interface SessionPortSettings {
  readonly side: 'client' | 'server'
  /** How many bytes of messages that are not handled this side takes. */
  readonly window: number
  /** How long a socket may take to end once the other side has sent its Close, in milliseconds. */
  readonly close_timeout: number
}

/** The owner of a {@link SessionPort}. */
export interface SessionOwner {
  /** Returns the token for the next hello; empty for a new session. Only a client is asked. */
  token(): Uint8Array
  /** A client's socket is open, and the server has answered. */
  welcomed(welcome: Welcome, resumption: Resumption): void
  /** A server's session has lost its socket, and waits for the next one. */
  away(): void
}

/**
 * The transport of a connection that outlives its sockets. It keeps messages until the other side has handled
 * them, and sends those again that were lost with a socket. To its connection, a message is unsent until it is
 * handled. A client's connection hears of each socket that is lost, a server's only of the end of the session.
 */
export class SessionPort implements SocketPort {
  readonly session: Session
  readonly connection: SocketEvents
  readonly #settings: SessionPortSettings
  readonly #platform: SessionPlatform
  readonly #owner: SessionOwner
  readonly #kept = new KeptMessages()
  #socket: SessionSocket | undefined
  /** What is still to be sent again. */
  #replay: Iterator<Batch> | undefined
  /** What the socket could not take yet. */
  #is_ack_pending = false
  #is_pong_pending = false
  #pending_close: { readonly code: number; readonly reason: string } | undefined
  /** What the other side has said when it ended the session. */
  #end: End | undefined
  /** How many messages had arrived each time that enough bytes had for an acknowledgement. */
  #ack_due: number[] = []
  #bytes_since_due = 0
  #cancel_ack: CancelTimer | undefined
  #untold_since_ms = 0
  /** How often a server's connection has looked for a sign of life. */
  #checks = 0

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

  /** Goes on with another socket. The previous one is ended, and what it still reports has no effect. */
  take(socket: SessionSocket): void {
    const previous = this.#socket
    this.#detach()
    this.#socket = socket
    previous?.port.terminate()
  }

  /** The latest socket; `undefined` if it has ended. */
  get socket(): SessionSocket | undefined {
    return this.#socket
  }

  /**
   * Answers the hello of the client on the latest socket, which is for this session, or with `recovered: false`
   * begins it.
   *
   * @throws SessionViolation if its counts are impossible
   */
  greeted(hello: Hello, welcome: Pick<Welcome, 'recovered' | 'token' | 'hold_ms' | 'protocol'>): void {
    const counts = this.session.greet()
    const theirs = welcome.recovered ? hello : { ...hello, received: 0, handled: 0 }
    const resumption = this.#resume(() => this.session.resume(theirs))
    if (resumption === false) throw new SessionViolation('the peer has forgotten what it has said')
    this.#write({ type: 'welcome', ...counts, ...welcome })
    this.#go_on(resumption.skip)
    this.connection.socket_drained()
  }

  get is_writable(): boolean {
    if (this.session.has_ended) return false
    return !this.#is_client || (this.session.is_attached && this.#port?.is_writable === true)
  }

  get takes_batch(): boolean {
    return (
      this.session.is_attached &&
      this.#replay === undefined &&
      this.#kept.bytes < this.session.peer_window &&
      this.#port?.takes_batch === true
    )
  }

  get is_close_sent(): boolean {
    return this.#port?.is_close_sent === true
  }

  get unsent(): number {
    return this.session.unacknowledged
  }

  get buffered_bytes(): number {
    return this.#kept.bytes
  }

  write(batch: Batch): void {
    const kept = this.#platform.keep(batch, this.#is_client)
    this.#kept.add(kept)
    this.session.wrote(batch.messages)
    this.#port?.write(kept.without_first(0))
  }

  close(code: number, reason: string): void {
    const port = this.#port
    this.session.has_ended = true
    if (port === undefined) this.#report_end()
    else if (port.is_writable) {
      this.#pending_close = { code, reason }
      this.#flush()
    } else port.close(code, reason)
  }

  terminate(): void {
    if (!this.#is_client) this.session.has_ended = true
    if (this.#port === undefined) this.#report_end()
    else this.#port.terminate()
  }

  signs_of_life(probe?: Probe): number {
    if (this.#is_client) return this.#port?.signs_of_life(probe) ?? 0
    // The end of a server's socket is not that of its connection.
    this.#checks += 1
    return this.#checks
  }

  ping(): void {
    this.#port?.ping()
  }

  // The window slows the other side. Without reading, this side would miss what lets its own messages go on.
  pause(): void {}
  resume(): void {}

  may_run(inbox: Runnable): boolean {
    return this.#port?.may_run?.(inbox) ?? true
  }

  /** The application has handled the oldest message that was not handled. */
  handled(): void {
    const { session } = this
    session.did_handle()
    if (session.untold === 0) return
    const [due = Number.POSITIVE_INFINITY] = this.#ack_due
    if (session.handled >= due) this.#acknowledge()
    else if (this.#cancel_ack === undefined) {
      this.#untold_since_ms = this.#platform.clock.now_ms()
      this.#cancel_ack = this.#platform.clock.start_timer(ACK_DELAY_MS, () => this.#acknowledge())
    }
  }

  // Events of the socket

  /** The socket is open. */
  opened(): void {
    if (this.#is_client) this.#write({ type: 'hello', token: this.#owner.token(), ...this.session.greet() })
  }

  /** A message has arrived. */
  message(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    try {
      if (typeof data === 'string') this.#arrived(data, payload_bytes, memory_bytes)
      else if (data[0] === APPLICATION) this.#arrived(data.subarray(1), payload_bytes - 1, memory_bytes)
      else this.#control(read_control(data))
    } catch (error) {
      if (!(error instanceof SessionViolation)) throw error
      this.connection.socket_failed(
        new NetError('protocol_error', `closed with 1002: ${error.message}`),
        PROTOCOL_ERROR,
      )
    }
    // Timers of hidden pages are late.
    if (
      this.#cancel_ack !== undefined &&
      this.#platform.clock.now_ms() - this.#untold_since_ms >= ACK_DELAY_MS
    )
      this.#acknowledge()
  }

  /** The network has taken what was written. */
  drained(): void {
    this.#flush()
    if (this.#replay === undefined) this.connection.socket_drained()
  }

  /** The other side has sent its Close, or ended its side. */
  ending(socket: SessionSocket): void {
    if (this.#is_client || this.session.has_ended) this.connection.socket_ending()
    else start_peer_timeout(this.#platform.clock, this.#settings.close_timeout, () => socket.port.terminate())
  }

  /** The socket has ended. */
  closed(code: number, reason: string, error?: NetError): void {
    const { session, connection } = this
    const was_attached = session.is_attached
    this.#detach()
    this.#socket = undefined
    const end = this.#end
    if (end !== undefined) connection.socket_closed(end.code, code === end.code ? reason : '')
    else if (session.has_ended || (this.#is_client && !was_attached))
      connection.socket_closed(code, reason, error)
    // Only the control message ends a session: a Close without it may come from a proxy.
    else if (this.#is_client) connection.socket_closed(ABNORMAL_CLOSURE, '', error)
    else this.#owner.away()
  }

  get #is_client(): boolean {
    return this.#settings.side === 'client'
  }

  get #port(): SocketPort | undefined {
    return this.#socket?.port
  }

  #arrived(data: string | Uint8Array, payload_bytes: number, memory_bytes?: number): void {
    const { session } = this
    if (!session.is_attached) throw new SessionViolation('the peer sent a message before its welcome')
    session.arrived()
    this.#bytes_since_due += payload_bytes
    if (this.#bytes_since_due >= Math.min(ACK_BYTES, this.#settings.window / 4)) {
      this.#ack_due.push(session.received)
      this.#bytes_since_due = 0
    }
    this.connection.socket_message(data, payload_bytes, memory_bytes)
  }

  #control(message: Control | undefined): void {
    switch (message?.type) {
      case 'welcome': {
        if (!this.#is_client || this.session.is_attached) break
        const resumption = this.#resume(() => this.session.welcomed(message))
        this.#owner.welcomed(message, resumption)
        this.#go_on(resumption.skip)
        this.connection.socket_opened()
        return
      }
      case 'ack':
        if (!this.session.is_attached) break
        this.#kept.forget(this.session.acknowledged_by(message.handled))
        this.drained()
        return
      case 'end':
        if (!this.session.is_attached) break
        this.#end = message
        this.#kept.forget(this.session.ended(message.handled))
        return
      case 'ping':
        this.#is_pong_pending = true
        this.#flush()
        return
      case 'pong':
        return
    }
    throw new SessionViolation(
      `the peer sent a control message that is not valid here: ${message?.type ?? 'unknown'}`,
    )
  }

  /** Resumes the session, and forgets what the other side has handled. */
  #resume<Result extends Resumption | false>(resume: () => Result): Result {
    const before = this.session.unacknowledged
    const resumption = resume()
    if (resumption !== false && !resumption.recovered) {
      this.#kept.clear()
      this.#ack_due = []
      this.#bytes_since_due = 0
    } else this.#kept.forget(before - this.session.unacknowledged)
    return resumption
  }

  /** Reports the end of a session that has no socket. */
  #report_end(): void {
    this.#platform.defer(() => this.connection.socket_closed(ABNORMAL_CLOSURE, ''))
  }

  /** Sends what is to be sent again. */
  #go_on(skip: number): void {
    this.#replay = this.#kept.without_first(skip)
    this.#flush()
  }

  /** Writes what waits, as far as the socket takes it: control messages first. */
  #flush(): void {
    const port = this.#port
    if (this.#is_ack_pending && this.session.is_attached && port?.takes_batch) {
      this.#is_ack_pending = false
      this.#write(this.session.acknowledge())
    }
    if (this.#is_pong_pending && port?.takes_batch) {
      this.#is_pong_pending = false
      this.#write({ type: 'pong' })
    }
    while (this.#replay !== undefined && port?.takes_batch) {
      const { value } = this.#replay.next()
      if (value === undefined) this.#replay = undefined
      else {
        this.session.wrote_again(value.messages)
        port.write(value)
      }
    }
    if (this.#pending_close !== undefined && port?.takes_batch) {
      const { code, reason } = this.#pending_close
      this.#pending_close = undefined
      if (this.session.is_attached) this.#write(this.session.end(code))
      port.close(code, reason)
    }
  }

  #acknowledge(): void {
    this.#cancel_ack?.()
    this.#cancel_ack = undefined
    const { handled } = this.session
    const later = this.#ack_due.findIndex(due => due > handled)
    this.#ack_due.splice(0, later === -1 ? this.#ack_due.length : later)
    this.#is_ack_pending = this.session.untold > 0
    this.#flush()
  }

  #write(message: Control): void {
    const queue = this.#platform.make_queue(this.#is_client)
    queue.push(write_control(message), Number.POSITIVE_INFINITY)
    this.#port?.write(queue.take() as Batch)
  }

  #detach(): void {
    this.session.detach()
    this.#replay = undefined
    this.#is_ack_pending = this.#is_pong_pending = false
    this.#cancel_ack?.()
    this.#cancel_ack = undefined
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
    return this.#session.connection.inbox
  }

  shed(error: NetError, code: number, reason: string): boolean {
    return this.#session.connection.shed?.(error, code, reason) === true
  }

  close(): true {
    return this.#session.connection.close()
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
