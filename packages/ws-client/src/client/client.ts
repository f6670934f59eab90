import {
  type CloseInfo,
  type ConnectionState,
  type MessageData,
  NetError,
  type PlatformAbortSignal,
  type Sendable,
} from '@bt/ws-protocol'
import {
  Connection,
  type ConnectionEvents,
  callback_error,
  close_on_abort,
  closed_error,
  describe_value,
  type ListenerState,
  PeriodicCheck,
  report_error,
  shown_url,
  start_peer_timeout,
} from '@bt/ws-protocol/internal'
import { compute_options, is_constant } from './attempt.js'
import type { AttemptOptions } from './attempt_options.js'
import { MessageIterator } from './message_iterator.js'
import {
  type ConnectSettings,
  type PreviousEnd,
  type ReconnectInfo,
  reconnect_settings,
  type WsConnectOptions,
} from './options.js'
import { Reconnector } from './reconnector.js'
import type { OnOpen, SessionOpening } from './session_option.js'
import type { OpenedSocket, SocketSource } from './socket_source.js'
import type { WsClient } from './ws_client.js'

type Data = MessageData<boolean>

/** A callback or a loop that gets the messages. */
interface MessageConsumer {
  push(data: Data): unknown
  stop?(): void
}

/** What changes in a client, which itself is frozen: Babel turns private fields into properties. */
interface ClientState {
  /** The URL of the latest attempt; `''` before a function has returned one. */
  url: string
  socket?: OpenedSocket
  /** Ends what concerns the latest attempt alone. */
  end_attempt?: () => void
  /** How the connection, or the latest attempt, ended. */
  last?: PreviousEnd
  /** Whether the current loss of the connection was reported to `on_error`. */
  is_loss_reported?: boolean
  consumer?: MessageConsumer | undefined
  /**
   * Whether the connection has ended without an `on_close`, so that one registered later still has to be
   * called.
   */
  is_close_unreported?: boolean
  /** Why the connection did not open, or was lost. */
  error?: NetError | undefined
}

/** Implements {@link WsClient} over the sockets of any platform. */
export class Client implements WsClient<Data> {
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly #settings: ConnectSettings
  readonly #source: SocketSource
  readonly #connection: Connection<Client>
  readonly #heartbeat: PeriodicCheck
  readonly #reconnector: Reconnector | undefined
  readonly #callbacks: Pick<WsConnectOptions<boolean>, 'on_close' | 'on_error' | 'on_reconnecting'> & {
    on_open?: ((...opening: readonly SessionOpening[]) => unknown) | undefined
  }
  readonly #state: ClientState
  #settle_opened!: (error?: NetError) => void

  constructor(settings: ConnectSettings, own_source: SocketSource) {
    const { url, heartbeat, reconnect, on_message, signal } = settings
    // A session puts itself between the client and the sockets of the platform.
    const source = settings.session?.start(settings, own_source) ?? own_source
    const { platform } = source
    this.#settings = settings
    this.#source = source
    this.#callbacks = { ...settings }
    this.#state = { url: typeof url === 'string' ? url : '' }
    this.#heartbeat = new PeriodicCheck(heartbeat, platform.clock, () => this.#connection.check())
    const reconnecting = reconnect_settings(reconnect)
    if (reconnecting !== undefined)
      this.#reconnector = new Reconnector({ ...reconnecting, read_refusal: source.read_refusal }, platform, {
        url: () => this.addr,
        waiting: (info, error, delay_ms) => this.#on_lost(info, error, delay_ms),
        reconnect: () => this.#reconnect(),
        report: error => this.#report(error),
      })
    this.opened = new Promise((resolve, reject) => {
      this.#settle_opened = error => (error === undefined ? resolve() : reject(error))
    })
    // The error is also reported to `on_error` or as a warning, so a caller may ignore `opened`.
    this.opened.catch(() => {})
    this.#connection = new Connection<Client>(
      { ...settings, side: 'client' },
      this.#connection_events(),
      platform,
      () => this,
    )
    this.#connection.set_listener('none')
    if (on_message !== undefined) this.on_message(on_message)
    if (signal?.aborted !== true) this.#open()
    close_on_abort(signal, () => this.close(), this.closed)
    const unwatch = platform.watch_wakeups?.(() => {
      this.#reconnector?.wake()
      if (heartbeat !== false) this.#connection.check_now()
    })
    if (unwatch !== undefined) this.closed.then(unwatch)
    Object.freeze(this)
  }

  get addr(): string {
    return this.#state.url
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get protocol(): string {
    return this.#state.socket?.protocol() ?? ''
  }

  get signal(): PlatformAbortSignal {
    return this.#connection.signal
  }

  get closed(): Promise<CloseInfo> {
    return this.#connection.closed
  }

  get queued(): number {
    return this.#connection.queued
  }

  send(data: Sendable): true | NetError {
    return this.#connection.send(data)
  }

  write(data: Sendable): true | NetError {
    return this.send(data)
  }

  close(code?: number, reason?: string): true {
    this.#source.before_close?.(this)
    return this.#connection.close(code, reason)
  }

  terminate(): true {
    return this.#connection.terminate()
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }

  acknowledged(): Promise<void> {
    const { acknowledged } = this.#source
    if (acknowledged === undefined)
      throw new NetError('unsupported', 'acknowledged() needs the option session')
    return acknowledged(this.drained())
  }

  reconnect(): true | NetError {
    const { state } = this
    const reconnector = this.#reconnector
    if (reconnector === undefined) throw new NetError('unsupported', 'reconnect() needs the option reconnect')
    if (state === 'closing' || state === 'closed') return closed_error('reconnect')
    if (state === 'open') {
      reconnector.hurry()
      this.#connection.replace()
    } else if (state === 'reconnecting') {
      reconnector.stop()
      this.#reconnect()
    }
    return true
  }

  on_open(fn: OnOpen): void {
    this.#callbacks.on_open = checked_callback('on_open', fn)
  }

  on_message(fn: (data: Data) => unknown): void {
    this.#replace_consumer({ push: checked_callback('on_message', fn) }, 'ready')
  }

  on_close(fn: (info: CloseInfo) => unknown): void {
    this.#callbacks.on_close = checked_callback('on_close', fn)
    if (!this.#state.is_close_unreported) return
    this.#state.is_close_unreported = false
    this.closed.then(fn).catch(cause => this.#report(callback_error('on_close', cause)))
  }

  on_error(fn: (err: NetError) => unknown): void {
    this.#callbacks.on_error = checked_callback('on_error', fn)
  }

  on_reconnecting(fn: (info: ReconnectInfo) => unknown): void {
    this.#callbacks.on_reconnecting = checked_callback('on_reconnecting', fn)
  }

  [Symbol.asyncIterator](): AsyncIterator<Data, undefined> {
    const iterator = new MessageIterator<Data>(
      is_asking => this.#connection.set_listener(is_asking ? 'ready' : 'busy'),
      () => {
        if (this.#state.consumer === iterator) this.#replace_consumer(undefined, 'none')
      },
    )
    this.#replace_consumer(iterator, 'busy')
    // There is no error if this side closed the connection. After the peer's Close there is one only if this
    // side had failed the connection before.
    this.closed.then(({ cause }) => iterator.end(cause === 'local' ? undefined : this.#state.error))
    return iterator
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #connection_events(): ConnectionEvents<Client> {
    const reconnector = this.#reconnector
    const state = this.#state
    return {
      retry: reconnector,
      on_open: () => {
        const opening = this.#source.opening?.() ?? []
        return this.#callbacks.on_open?.(...opening)
      },
      on_message: (_client, data) => state.consumer?.push(data),
      on_close: (_client, info) => {
        state.is_close_unreported = this.#callbacks.on_close === undefined
        return this.#callbacks.on_close?.(info)
      },
      report: (_client, error) => this.#report(error),
      opened: () => {
        state.end_attempt?.()
        state.is_loss_reported = false
        reconnector?.opened()
        this.#heartbeat.start()
        this.#settle_opened()
      },
      ended: (_client, info, error) => this.#on_ended(info, error),
    }
  }

  /** Starts an attempt: at once, if no option has to be computed. */
  #open(): void {
    const settings = this.#settings
    let abort = (): void => {}
    if (is_constant(settings)) this.#open_socket(settings)
    else abort = this.#open_when_computed()
    const cancel_timer = start_peer_timeout(this.#source.platform.clock, settings.connect_timeout, () =>
      this.#connection.abandon(this.#connect_timed_out()),
    )
    this.#state.end_attempt = () => {
      cancel_timer()
      abort()
    }
  }

  /** Calls the functions among the options first. Returns a function that gives this up. */
  #open_when_computed(): () => void {
    const controller = this.#source.platform.make_controller()
    const { signal } = controller
    const attempt = { attempt: this.#attempts, last: this.#state.last, signal }
    compute_options(this.#settings, this.#source.rules, attempt)
      .then(options => {
        // Closing may have ended the attempt without its being reported yet.
        if (!signal.aborted && this.#connection.is_opening) this.#open_socket(options)
      })
      .catch(error => {
        if (!signal.aborted) this.#connection.abandon(error as NetError)
      })
    return () => controller.abort(closed_error('signal'))
  }

  #open_socket(options: AttemptOptions): void {
    const state = this.#state
    state.url = options.url
    state.socket = this.#source.open(options, this.#connection, this.#connection)
    this.#connection.attach(state.socket.port)
  }

  #reconnect(): void {
    if (!this.#connection.reopen()) return
    try {
      this.#open()
    } catch (error) {
      this.#connection.abandon(error as NetError)
    }
  }

  /**
   * Waits to reconnect. Only the first failure until the connection is open again is reported to `on_error`.
   */
  #on_lost(info: CloseInfo, cause: NetError | undefined, delay_ms: number): void {
    this.#stop_watching()
    const error = this.#explain(info, cause, `connecting again in ${delay_ms} ms`)
    const state = this.#state
    state.last = { info, error }
    if (error !== undefined && !state.is_loss_reported) {
      state.is_loss_reported = true
      this.#report(error)
    }
    // `on_error` may have closed the client, or connected again.
    if (this.state !== 'reconnecting') return
    const attempt = this.#attempts
    const notify = async (): Promise<void> =>
      this.#callbacks.on_reconnecting?.({ attempt, delay_ms, info, error })
    notify().catch(reason => this.#report(callback_error('on_reconnecting', reason)))
  }

  #stop_watching(): void {
    this.#state.end_attempt?.()
    this.#heartbeat.stop()
  }

  #replace_consumer(consumer: MessageConsumer | undefined, listener: ListenerState): void {
    this.#state.consumer?.stop?.()
    this.#state.consumer = consumer
    this.#connection.set_listener(listener)
  }

  #on_ended(info: CloseInfo, error: NetError | undefined): void {
    this.#stop_watching()
    this.#reconnector?.stop()
    const reported = this.#explain(info, error, 'connect again')
    if (reported !== undefined) this.#report(reported)
    this.#state.error = reported ?? error
    this.#settle_opened(
      error ?? new NetError('closed', `connect: ${this.#shown} was closed before it opened`),
    )
  }

  /**
   * Returns the error for an end without a Close, or after the last of `max_attempts`; `undefined` for a
   * regular end.
   */
  #explain(info: CloseInfo, error: NetError | undefined, next: string): NetError | undefined {
    const { cause, code, reason, unsent } = info
    const gave_up = this.#reconnector?.gave_up
    if (cause === 'refused' || (cause === 'peer' && error))
      return gave_up && error ? new NetError(error.code, `${error.message}; ${gave_up}`, error) : error
    if (cause !== 'network' && cause !== 'heartbeat' && !(cause === 'peer' && gave_up)) return undefined
    const end = error?.message ?? (cause === 'peer' ? `closed with ${code} ${reason}` : 'no Close came')
    const message = `the connection to ${this.#shown} was lost: ${end}; unsent messages: ${unsent}; ${gave_up ?? next}`
    return new NetError('connection_lost', message, { cause: error })
  }

  #report(error: NetError): void {
    report_error(error, this.#callbacks.on_error, this.#source.platform, { side: 'client', handle: this })
  }

  #connect_timed_out(): NetError {
    const hop = this.#state.socket?.waits_for?.() ?? this.#shown
    const message = `connect: ${hop} was not open after connect_timeout, ${this.#settings.connect_timeout} ms; check the address, or raise it`
    return new NetError('connect_timeout', message)
  }

  get #attempts(): number {
    return this.#reconnector?.attempts ?? 0
  }

  get #shown(): string {
    return shown_url(this.addr) || 'the server'
  }
}

function checked_callback<Callback>(name: string, fn: Callback): Callback {
  if (typeof fn === 'function') return fn
  throw new NetError('invalid_argument', `${name} got ${describe_value(fn)}: give a function`)
}
