import { NetError } from '../errors/errors.js'
import { ABNORMAL_CLOSURE, NORMAL_CLOSURE, POLICY_VIOLATION, UNSUPPORTED_DATA } from '../frames/close_code.js'
import { as_payload, type Sendable } from '../frames/payload.js'
import type { AbortControllerLike, PlatformAbortSignal } from '../options/abort.js'
import type { Probe, ProbedConnection } from '../options/probe_option.js'
import type { SharedBatch } from '../queues/shared_frames.js'
import type { CancelTimer } from '../time/clock.js'
import { start_peer_timeout } from '../time/peer_timeout.js'
import { CHECKS_PER_SPAN } from '../time/periodic_check.js'
import { type CloseCause, type CloseInfo, check_close } from './close_info.js'
import type { ChannelEvents, ChannelName, ConnectionEvent } from './events.js'
import {
  INBOX_LIMIT_BYTES,
  INBOX_MAX_BYTES,
  Inbox,
  type InboxCallbacks,
  type InboxEvents,
  type ListenerState,
} from './inbox.js'
import {
  type Closing,
  CONNECTING,
  type ConnectionState,
  type Ending,
  ending_of,
  is_ending,
  is_unopened,
  type Lifecycle,
  type LifecycleEvent,
  may_reopen,
  shown_state,
  step,
} from './lifecycle.js'
import { Outbox, type OutboxSettings } from './outbox.js'
import type { Platform } from './platform.js'
import { callback_error } from './report.js'
import type { SocketEvents, SocketPort } from './socket_port.js'

/** The settings of a connection; the numbers come from the options of the same names. */
export interface ConnectionSettings extends OutboxSettings {
  /** Whether binary messages are accepted; if not, one closes with 1003. */
  readonly binary: boolean
  /** How long a closing connection may make no progress before it is terminated, in milliseconds. */
  readonly close_timeout: number
  /** Asks a silent peer instead of a ping, and takes its own messages out of those that arrive. */
  readonly probe?: Probe | undefined
}

/** Decides about reconnecting. Messages sent meanwhile are kept. */
export interface ConnectionRetry<Handle> {
  /** Returns whether to open another socket. Not called if this side ended the connection. */
  allows(info: CloseInfo, error: NetError | undefined): boolean
  /**
   * Another socket will be opened, beginning with {@link Connection.reopen}. `info.unsent` counts the
   * messages that were lost; those that were never written are kept.
   */
  lost(handle: Handle, info: CloseInfo, error: NetError | undefined): void
}

/** The events of a connection. Except for the user's callbacks, the methods are called immediately. */
export interface ConnectionEvents<Handle> extends InboxCallbacks<Handle> {
  /** Left out if the connection never reconnects. */
  readonly retry?: ConnectionRetry<Handle> | undefined
  /** Called when something fails. */
  report(handle: Handle, error: NetError): void
  /** Called when the handshake is done; `on_open` comes next. */
  opened(handle: Handle): void
  /**
   * Called when the socket has ended; `on_close` follows when the callbacks before it are done. `error` is
   * the reason, if known.
   */
  ended(handle: Handle, info: CloseInfo, error: NetError | undefined): void
  /** Called when the last callback is done, including its promise. */
  settled?(handle: Handle): void
}

/** How many checks a peer has to answer when it is checked at once, two fifths of `heartbeat`. */
const CHECKS_TO_ANSWER = 4

/** The channels on which a connection itself publishes. */
type ConnectionChannel = Exclude<ChannelName, 'refused' | 'error'>

type Details<Name extends ConnectionChannel> = Omit<ChannelEvents[Name], keyof ConnectionEvent>

/**
 * One connection, on either side, over any {@link SocketPort}: its lifecycle, its bounded send queue, and its
 * callbacks in order and with backpressure. `Handle` is the object that users get for it.
 */
export class Connection<Handle> implements SocketEvents, ProbedConnection {
  static readonly #inbox_events: InboxEvents<Connection<unknown>> = {
    // Without a port, only the callback for the end of the connection is left to run.
    may_run: connection => connection.port?.may_run?.(connection.inbox) ?? true,
    report: (connection, name, cause) => {
      // The callback has given up because the connection has ended, as `signal` is meant to be used. Node's
      // functions wrap the reason.
      const reason = connection.#controller?.signal.reason
      if (reason && [cause, (cause as Error)?.cause].includes(reason)) return
      const is_connect = connection.#settings.side === 'server' && name === 'on_open'
      connection.report(callback_error(is_connect ? 'on_connect' : name, cause))
    },
    pause: connection => {
      connection.port?.pause()
      connection.#report_missing_listener()
    },
    resume: connection => connection.resume_reading(),
    handled: connection => connection.port?.handled?.(),
    opened: connection => connection.#outbox?.release(),
    settled: (connection, info) => {
      connection.#info = info
      connection.#resolve_closed?.(info)
      connection.#events.settled?.(connection.handle)
    },
  }
  /** The object that users get for this connection. */
  readonly handle: Handle
  readonly #settings: ConnectionSettings
  readonly #events: ConnectionEvents<Handle>
  protected readonly platform: Platform
  /** Created for the first message that is sent. */
  #outbox: Outbox | undefined
  /** Runs the callbacks. */
  readonly inbox: Inbox<unknown, Connection<unknown>>
  /** `undefined` before the first attempt to open, and while the connection waits for the next one. */
  protected port: SocketPort | undefined
  protected lifecycle: Lifecycle = CONNECTING
  #cancel_timer: CancelTimer | undefined
  #error: NetError | undefined
  /**
   * Whether `close` was called after the peer had ended the connection: then no further message is delivered.
   */
  #drops_messages = false
  /** The number of messages lost with earlier sockets. */
  #lost = 0
  #signs_of_life = 0
  #silent_checks = 0
  /**
   * The number of consecutive checks since the last ping at which the peer was silent or its messages were
   * waiting.
   */
  #checks_to_ping = 0
  /** Whether this socket is closed only to open another one. */
  #is_replaced = false
  #info: CloseInfo | undefined
  #closed: Promise<CloseInfo> | undefined
  #resolve_closed: ((info: CloseInfo) => void) | undefined
  /** Created when the signal is first read. */
  #controller: AbortControllerLike | undefined

  constructor(
    settings: ConnectionSettings,
    events: ConnectionEvents<Handle>,
    platform: Platform,
    make_handle: (connection: Connection<Handle>) => Handle,
  ) {
    this.#settings = settings
    this.#events = events
    this.platform = platform
    this.inbox = new Inbox<unknown, Connection<unknown>>(this, events, Connection.#inbox_events)
    this.handle = make_handle(this)
  }

  /**
   * Gives the connection its first or next socket, which reports when it is open:
   * {@link Connection.socket_opened}.
   */
  attach(port: SocketPort): void {
    this.port = port
    this.#outbox?.attach(port)
  }

  get state(): ConnectionState {
    return shown_state(this.lifecycle)
  }

  /** Returns the number of sent bytes that the network has not taken yet, including frame headers. */
  get queued(): number {
    return this.#outbox?.bytes ?? 0
  }

  /** Resolves when the last callback, `on_close`, is done; never rejects. */
  get closed(): Promise<CloseInfo> {
    this.#closed ??= new Promise(resolve => {
      if (this.#info === undefined) this.#resolve_closed = resolve
      else resolve(this.#info)
    })
    return this.#closed
  }

  /** Aborts when the connection has ended, before `on_close`. */
  get signal(): PlatformAbortSignal {
    if (this.#controller === undefined) {
      this.#controller = this.platform.make_controller()
      if (this.lifecycle.name === 'closed') this.#abort()
    }
    return this.#controller.signal
  }

  /**
   * Queues a message. The queue is written at the end of the turn, or as soon as it holds a full batch.
   *
   * @returns `true` if the queue took it; otherwise the error `queue_full`, `too_large` or `closed`
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes
   */
  send(data: Sendable): true | NetError {
    return this.enqueue(as_payload(data), 1, data)
  }

  /**
   * Queues one message like {@link Connection.send}, or a batch that was framed for many connections, all of
   * it or none. `data` is published on the channel of messages; without it, nothing is published.
   */
  enqueue(message: string | Uint8Array | SharedBatch, messages: number, data?: Sendable): true | NetError {
    if (!this.can_send()) return closed_error('send')
    const outbox = this.#ensure_outbox()
    const was_full = outbox.is_full
    const result = outbox.send(message, messages)
    if (result !== true) {
      if (outbox.is_full && !was_full) {
        this.#publish('queue_full', { error: result })
        this.report(result)
      }
    } else if (data !== undefined) this.#publish_message('sent', data)
    return result
  }

  /** Queues a message of the probe if there is room; otherwise it is dropped, and nothing is reported. */
  offer(payload: string | Uint8Array): void {
    if (this.is_writable) this.#ensure_outbox().send(payload, 1, true)
  }

  /** Writes the queue at once, as far as the network takes it, instead of at the end of the turn. */
  flush(): void {
    const is_all_sent = this.#outbox?.flush() ?? true
    if (is_all_sent && this.lifecycle.name === 'draining') this.step({ type: 'drained' })
  }

  /**
   * Resolves when the network has taken everything that was sent; rejects with `connection_lost` if some of
   * it is lost first, or with `closed` if nothing is sent any more.
   */
  drained(): Promise<void> {
    const is_late = this.unsent === 0 && !this.can_send()
    const drained = is_late ? Promise.reject(closed_error('drained')) : this.#ensure_outbox().drained()
    // The end of the connection is reported in any case, so this rejection may go unhandled.
    drained.catch(() => {})
    return drained
  }

  /**
   * Closes in order: sends the queue, then a Close. From now on, no message reaches `on_message`. Closing
   * twice is fine.
   *
   * @throws NetError `invalid_argument` for a code or a reason that users must not send
   */
  close(code: number = NORMAL_CLOSURE, reason = ''): true {
    check_close(code, reason, this.platform.byte_length)
    this.close_in_order(code, reason, 'local')
    return true
  }

  /** Ends the connection at once, without sending the queue or a Close, and delivers no further message. */
  terminate(cause: CloseCause = 'local'): true {
    this.#terminate(cause)
    this.inbox.drop()
    return true
  }

  /** Whether the connection still has to open its first or next socket. */
  get is_opening(): boolean {
    return is_unopened(this.lifecycle)
  }

  /** Gives up a socket that does not open, because of `error`. */
  abandon(error: NetError): void {
    if (!this.is_opening) return
    if (this.port === undefined) this.socket_closed(ABNORMAL_CLOSURE, '', error)
    else {
      this.#error = error
      this.step({ type: 'fail', closing: { code: ABNORMAL_CLOSURE, reason: '', cause: 'refused' } })
    }
  }

  /** Ends the delay before the next socket; returns `false` if the connection was closed meanwhile. */
  reopen(): boolean {
    const before = this.lifecycle
    this.step({ type: 'reopen' })
    return this.lifecycle !== before
  }

  /**
   * Checks for a sign of life since the last check: pings a silent peer, and terminates the connection if it
   * stays silent. A peer whose messages wait for a slow callback is pinged as well: its own pings are stuck
   * behind them, so it would otherwise see no sign of life from this side.
   */
  check(): void {
    if (this.lifecycle.name !== 'open') return
    const signs_of_life = this.port?.signs_of_life(this.#settings.probe) ?? 0
    this.#silent_checks = signs_of_life === this.#signs_of_life ? this.#silent_checks + 1 : 0
    this.#signs_of_life = signs_of_life
    this.#checks_to_ping = this.#silent_checks + this.inbox.bytes > 0 ? this.#checks_to_ping + 1 : 0
    // While reading is paused, silence says nothing about the peer.
    if (this.#silent_checks >= 2 * CHECKS_PER_SPAN && !this.inbox.is_paused) {
      const also = this.#settings.probe ? ', also to the probe' : ''
      this.#error = new NetError('connection_lost', `the peer was silent for twice heartbeat${also}`)
      this.#terminate('heartbeat')
    } else if (this.#checks_to_ping >= CHECKS_PER_SPAN) this.#ping()
  }

  /** Checks at once, because what was known may be out of date: the peer has few checks left to answer. */
  check_now(): void {
    if (this.lifecycle.name !== 'open') return
    this.#silent_checks = Math.max(this.#silent_checks, 2 * CHECKS_PER_SPAN - CHECKS_TO_ANSWER)
    this.#ping()
  }

  /** Closes an open socket in order, to open another one. What is queued is kept for that. */
  replace(): void {
    if (this.#is_replaced) return
    this.flush()
    this.#is_replaced = true
    this.port?.close(NORMAL_CLOSURE, '', true)
    this.socket_ending()
  }

  /** Counts messages as lost although their port keeps messages: nobody knows whether they were handled. */
  lose(messages: number): void {
    this.#lost += messages
    this.#outbox?.lose(messages)
  }

  /** Reports an error of this connection. */
  report(error: NetError): void {
    this.#events.report(this.handle, error)
  }

  /**
   * Sets the state of the listener, and delivers the waiting messages if it is ready. Returns the bytes of
   * messages that still wait.
   */
  set_listener(listener: ListenerState): number {
    this.inbox.listener = listener
    this.inbox.run()
    if (this.inbox.is_paused) this.#report_missing_listener()
    return this.inbox.bytes
  }

  // SocketEvents

  socket_opened(): void {
    this.step({ type: 'opened' })
  }

  socket_message(
    data: string | Uint8Array,
    payload_bytes: number,
    memory_bytes: number = payload_bytes,
  ): void {
    const is_accepted = typeof data === 'string' || this.#settings.binary
    // A function of the probe may close the connection.
    const is_hidden = is_accepted && this.#settings.probe?.takes(data, this)
    if (is_hidden || this.#drops_messages || !this.delivers) return
    this.#publish_message('received', data, payload_bytes)
    if (!is_accepted) {
      const message = `closed with 1003: the peer sent a binary message of ${payload_bytes} bytes; set binary: true to take it`
      this.#fail_and_report(new NetError('unexpected_binary', message), UNSUPPORTED_DATA, 'protocol')
    } else if (this.inbox.bytes > INBOX_MAX_BYTES && !this.#is_replaced) {
      const message = `closed with 1008: ${INBOX_MAX_BYTES} bytes of messages wait for on_message; let it return sooner`
      this.#fail_and_report(new NetError('inbox_overflow', message), POLICY_VIOLATION, 'overflow')
    } else {
      this.inbox.message(data, memory_bytes)
      if (this.#is_replaced && this.inbox.bytes > INBOX_MAX_BYTES) this.port?.terminate()
    }
  }

  socket_drained(): void {
    if (this.lifecycle.name === 'draining') this.start_timer()
    this.flush()
  }

  socket_ending(): void {
    if (this.lifecycle.name === 'open') this.start_timer()
  }

  socket_failed(error: NetError, code: number): void {
    this.#fail_and_report(error, code, 'protocol')
  }

  socket_closed(code: number, reason: string, error?: NetError): void {
    if (error !== undefined && !is_ending(this.lifecycle)) this.#error = error
    const { port, lifecycle } = this
    const closed_by = this.#is_replaced ? 'local' : 'peer'
    const ending = ending_of(lifecycle, code, reason, port?.is_close_sent === true, closed_by)
    const allows = (): boolean =>
      this.#is_replaced ||
      this.#events.retry?.allows({ ...ending, unsent: this.#outbox?.unsent_if_lost ?? 0 }, this.#error) ===
        true
    // The user may close the connection when asked whether to reopen it.
    const will_retry = may_reopen(lifecycle) && allows() && may_reopen(this.lifecycle)
    this.step({ type: 'gone', ending, will_retry })
  }

  #ping(): void {
    this.#checks_to_ping = 0
    if (!this.#settings.probe?.ask(this)) this.port?.ping()
  }

  /**
   * Reports messages that wait with no listener registered. A listener that is merely slow holds the peer up
   * on purpose.
   */
  #report_missing_listener(): void {
    if (this.inbox.listener !== 'none') return
    const message = `${INBOX_LIMIT_BYTES} bytes of messages wait: register on_message, or iterate`
    this.report(new NetError('no_message_handler', message))
  }

  #terminate(cause: CloseCause): void {
    this.step({ type: 'terminate', closing: { code: ABNORMAL_CLOSURE, reason: '', cause } })
  }

  /** Whether arriving messages are delivered. */
  protected get delivers(): boolean {
    return this.lifecycle.name === 'open'
  }

  /** Resumes reading when there is room for messages again. */
  protected resume_reading(): void {
    // The time during which reading was paused does not count as silence.
    this.#silent_checks = 0
    this.port?.resume()
  }

  protected can_send(): boolean {
    const { name } = this.lifecycle
    if (name === 'open') return this.is_writable || this.#events.retry !== undefined
    return name === 'waiting' || (is_unopened(this.lifecycle) && name !== 'closing_unopened')
  }

  protected get is_writable(): boolean {
    return this.port?.is_writable === true
  }

  protected close_in_order(code: number, reason: string, cause: CloseCause): void {
    // After the peer's Close, the port is no longer writable: then the peer has ended the connection, unless
    // it would reconnect.
    const is_peers = this.lifecycle.name === 'open' && !this.can_send()
    if (is_peers) this.#drops_messages = true
    else {
      const has_to_send = this.unsent > 0 || this.port?.has_session
      this.step({ type: 'close', closing: { code, reason, cause }, has_to_send })
    }
    this.inbox.drop()
  }

  #fail_and_report(error: NetError, code: number, cause: CloseCause): void {
    // The report comes last, since `on_error` may close the connection itself.
    if (this.fail(error, { code, reason: '', cause })) this.report(error)
  }

  /**
   * Closes without sending the queue; returns `false` if this side has already ended the socket.
   */
  protected fail(error: NetError, closing: Closing): boolean {
    if (is_ending(this.lifecycle)) return false
    this.#error = error
    this.step({ type: 'fail', closing })
    this.#outbox?.drop()
    // The session has ended with a count of what was handled: the peer may send the rest in its next one.
    if (this.port?.keeps_messages) this.inbox.drop()
    return true
  }

  /** Returns the next state. */
  protected next(event: LifecycleEvent): Lifecycle {
    return step(this.lifecycle, event)
  }

  protected step(event: LifecycleEvent): void {
    const before = this.lifecycle
    const state = this.next(event)
    if (state === before) return
    this.lifecycle = state
    if ('closing' in state) this.start_timer()
    if (is_unopened(before) && (state.name === 'open' || state.name === 'draining')) {
      // The owner is notified first, so that a subscriber of the channel that closes all connections of a
      // server closes this one, too.
      this.#events.opened(this.handle)
      this.#publish('open', {})
    }
    this.entered(state, before)
  }

  /** Does what a new state asks for. */
  protected entered(state: Lifecycle, before: Lifecycle): void {
    switch (state.name) {
      case 'open':
        this.#silent_checks = this.#checks_to_ping = 0
        if (this.#settings.side !== 'server') this.#ensure_outbox().hold()
        if (this.inbox.is_paused) this.port?.pause()
        this.inbox.open()
        this.flush()
        return
      case 'draining':
        this.#outbox?.release()
        this.flush()
        this.port?.request_ack?.()
        return
      case 'close_sent':
        this.port?.close(state.closing.code, state.closing.reason)
        return
      case 'terminated':
        // No socket will report its end. The callbacks still run later, as always.
        if (this.port === undefined) this.platform.defer(() => this.socket_closed(ABNORMAL_CLOSURE, ''))
        else if (before.name !== 'terminated') this.port.terminate()
        return
      case 'waiting':
        this.#wait(state.ending)
        return
      case 'closed':
        this.#finish({ ...state.ending, unsent: this.#lost + this.unsent })
    }
  }

  #ensure_outbox(): Outbox {
    if (this.#outbox === undefined) {
      this.#outbox = new Outbox(this.#settings, this.platform, this.inbox)
      if (this.port !== undefined) this.#outbox.attach(this.port)
    }
    return this.#outbox
  }

  protected get unsent(): number {
    return this.#outbox?.unsent ?? 0
  }

  #publish<Name extends ConnectionChannel>(name: Name, details: Details<Name>): void {
    const channel = this.platform.channels?.[name]
    if (channel?.hasSubscribers)
      channel.publish({ side: this.#settings.side, handle: this.handle, ...details } as ChannelEvents[Name])
  }

  #publish_message(direction: 'sent' | 'received', data: Sendable, bytes?: number): void {
    if (!this.platform.channels?.message.hasSubscribers) return
    const payload_bytes =
      bytes ?? (typeof data === 'string' ? this.platform.byte_length(data) : data.byteLength)
    this.#publish('message', { direction, data, payload_bytes })
  }

  protected start_timer(after_ms: number = this.#settings.close_timeout): void {
    this.#cancel_timer?.()
    this.#cancel_timer = start_peer_timeout(this.platform.clock, after_ms, () =>
      this.step({ type: 'timed_out' }),
    )
  }

  #wait(ending: Ending): void {
    this.#cancel_timer?.()
    if (!this.port?.keeps_messages) this.port = undefined
    this.#is_replaced = false
    const error = this.#error
    this.#error = undefined
    const unsent = this.#outbox?.detach() ?? 0
    this.#lost += unsent
    const info = { ...ending, unsent }
    this.#publish('close', { info, error, will_reconnect: true })
    this.#events.retry?.lost(this.handle, info, error)
  }

  #abort(): void {
    this.#controller?.abort(closed_error('signal'))
  }

  #finish(info: CloseInfo): void {
    this.#cancel_timer?.()
    this.#outbox?.end()
    this.#publish('close', { info, error: this.#error, will_reconnect: false })
    this.#events.ended(this.handle, info, this.#error)
    this.#abort()
    this.inbox.close(info)
  }
}

/** Returns the error of a call on a connection that has ended or is closing. */
export function closed_error(
  call: 'send' | 'drained' | 'acknowledged' | 'join' | 'reconnect' | 'signal',
): NetError {
  return new NetError('closed', `${call} found the connection closed or closing; see \`closed\``)
}
