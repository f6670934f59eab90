import {
  type CloseInfo,
  type ConnectionState,
  type MessageData,
  NetError,
  type PlatformAbortSignal,
  type Sendable,
} from '@bt/ws-protocol'
import {
  type CancelTimer,
  Connection,
  type ConnectionEvents,
  callback_error,
  close_on_abort,
  describe_value,
  type ListenerState,
  PeriodicCheck,
  type Platform,
  report_error,
  type SocketPort,
  shown_url,
  start_peer_timeout,
} from '@bt/ws-protocol/internal'
import { MessageIterator } from './message_iterator.js'
import {
  backoff_settings,
  type ConnectSettings,
  type ReconnectInfo,
  type WsConnectOptions,
} from './options.js'
import { Reconnector } from './reconnector.js'
import type { ReadRefusal } from './retry_rule.js'
import type { WsClient } from './ws_client.js'

/** An opening, or open, socket of a platform. */
export interface OpenedSocket {
  readonly port: SocketPort
  /** Returns the negotiated subprotocol once open; `''` if there is none. */
  protocol(): string
}

/** Starts to connect over the sockets of a platform. */
export type OpenSocket = (connection: Connection<Client>) => OpenedSocket

type Data = MessageData<boolean>

/** A callback or a loop that gets the messages. */
interface MessageConsumer {
  push(data: Data): unknown
  stop(): void
}

/** Implements {@link WsClient} over the sockets of any platform. */
export class Client implements WsClient<Data> {
  readonly addr: string
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly #settings: ConnectSettings
  readonly #platform: Platform
  readonly #connection: Connection<Client>
  readonly #open_socket: OpenSocket
  readonly #heartbeat: PeriodicCheck
  readonly #reconnector: Reconnector | undefined
  readonly #callbacks: Pick<
    WsConnectOptions<boolean>,
    'on_open' | 'on_close' | 'on_error' | 'on_reconnecting'
  >
  #socket: OpenedSocket | undefined
  #cancel_connect_timer: CancelTimer | undefined
  /** Whether the current loss of the connection was reported to `on_error`. */
  #is_loss_reported = false
  #consumer: MessageConsumer | undefined
  /**
   * Whether the connection has ended without an `on_close`, so that one registered later still has to be
   * called.
   */
  #is_close_unreported = false
  /** Why the connection did not open, or was lost. */
  #error: NetError | undefined
  #settle_opened!: (error?: NetError) => void

  /** `read_refusal` is missing on platforms that hide the response of a refused handshake. */
  constructor(
    settings: ConnectSettings,
    platform: Platform,
    open_socket: OpenSocket,
    read_refusal?: ReadRefusal,
  ) {
    this.addr = settings.url
    this.#settings = settings
    this.#platform = platform
    this.#open_socket = open_socket
    this.#callbacks = { ...settings }
    this.#heartbeat = new PeriodicCheck(settings.heartbeat, platform.clock, () => this.#connection.check())
    const backoff = backoff_settings(settings.reconnect)
    if (backoff !== undefined)
      this.#reconnector = new Reconnector({ ...backoff, url: this.addr, read_refusal }, platform, () =>
        this.#reconnect(),
      )
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
    if (settings.on_message !== undefined) this.on_message(settings.on_message)
    if (settings.signal?.aborted !== true) this.#open()
    close_on_abort(settings.signal, () => this.close(), this.closed)
    Object.freeze(this)
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get protocol(): string {
    return this.#socket?.protocol() ?? ''
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
    return this.#connection.close(code, reason)
  }

  terminate(): true {
    return this.#connection.terminate()
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }

  on_open(fn: () => unknown): void {
    this.#callbacks.on_open = checked_callback('on_open', fn)
  }

  on_message(fn: (data: Data) => unknown): void {
    this.#replace_consumer({ push: checked_callback('on_message', fn), stop: () => {} }, 'ready')
  }

  on_close(fn: (info: CloseInfo) => unknown): void {
    this.#callbacks.on_close = checked_callback('on_close', fn)
    if (!this.#is_close_unreported) return
    this.#is_close_unreported = false
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
        if (this.#consumer === iterator) this.#replace_consumer(undefined, 'none')
      },
    )
    this.#replace_consumer(iterator, 'busy')
    // There is no error if this side closed the connection. After the peer's Close there is one only if this
    // side had failed the connection before.
    this.closed.then(({ cause }) => iterator.end(cause === 'local' ? undefined : this.#error))
    return iterator
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #connection_events(): ConnectionEvents<Client> {
    const reconnector = this.#reconnector
    return {
      retry: reconnector && {
        allows: (ending, error) => reconnector.allows(ending, error),
        lost: (_client, info, error) => this.#on_lost(info, error, reconnector),
      },
      on_open: () => this.#callbacks.on_open?.(),
      on_message: (_client, data) => this.#consumer?.push(data),
      on_close: (_client, info) => {
        this.#is_close_unreported = this.#callbacks.on_close === undefined
        return this.#callbacks.on_close?.(info)
      },
      report: (_client, error) => this.#report(error),
      opened: () => {
        this.#cancel_connect_timer?.()
        this.#is_loss_reported = false
        this.#reconnector?.opened()
        this.#heartbeat.start()
        this.#settle_opened()
      },
      ended: (_client, info, error) => this.#on_ended(info, error),
    }
  }

  #open(): void {
    this.#socket = this.#open_socket(this.#connection)
    this.#connection.attach(this.#socket.port)
    const { connect_timeout } = this.#settings
    this.#cancel_connect_timer = start_peer_timeout(this.#platform.clock, connect_timeout, () =>
      this.#connection.abandon(this.#connect_timed_out()),
    )
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
  #on_lost(info: CloseInfo, cause: NetError | undefined, reconnector: Reconnector): void {
    this.#stop_watching()
    const delay_ms = reconnector.wait(info)
    const error = this.#explain(info, cause, `connecting again in ${delay_ms} ms`)
    if (error !== undefined && !this.#is_loss_reported) {
      this.#is_loss_reported = true
      this.#report(error)
    }
    // `on_error` may have closed the client.
    if (this.state !== 'reconnecting') return
    const attempt = reconnector.attempts
    const notify = async (): Promise<void> =>
      this.#callbacks.on_reconnecting?.({ attempt, delay_ms, info, error })
    notify().catch(reason => this.#report(callback_error('on_reconnecting', reason)))
  }

  #stop_watching(): void {
    this.#cancel_connect_timer?.()
    this.#heartbeat.stop()
  }

  #replace_consumer(consumer: MessageConsumer | undefined, state: ListenerState): void {
    this.#consumer?.stop()
    this.#consumer = consumer
    this.#connection.set_listener(state)
  }

  #on_ended(info: CloseInfo, error: NetError | undefined): void {
    this.#stop_watching()
    this.#reconnector?.stop()
    const reported = this.#explain(info, error, 'connect again')
    if (reported !== undefined) this.#report(reported)
    this.#error = reported ?? error
    this.#settle_opened(
      error ?? new NetError('closed', `connect: ${this.#shown} was closed before it was open`),
    )
  }

  /**
   * Returns the error for an end without a Close, or after the last of `max_attempts`; `undefined` for a
   * regular end.
   */
  #explain(info: CloseInfo, error: NetError | undefined, next: string): NetError | undefined {
    const { cause, code, reason, unsent } = info
    const gave_up = this.#reconnector?.gave_up
    if (cause === 'refused')
      return gave_up && error ? new NetError(error.code, `${error.message}; ${gave_up}`, error) : error
    if (cause !== 'network' && cause !== 'heartbeat' && !(cause === 'peer' && gave_up)) return undefined
    const end =
      error?.message ?? (cause === 'peer' ? `closed with ${code} ${reason}` : 'it ended without a Close')
    const message = `the connection to ${this.#shown} was lost: ${end}; unsent messages: ${unsent}; ${gave_up ?? next}`
    return new NetError('connection_lost', message, { cause: error })
  }

  #report(error: NetError): void {
    report_error(error, this.#callbacks.on_error, this.#platform, { side: 'client', handle: this })
  }

  #connect_timed_out(): NetError {
    const message = `connect: ${this.#shown} was not open after connect_timeout, ${this.#settings.connect_timeout} ms; check the address, or raise it`
    return new NetError('connect_timeout', message)
  }

  get #shown(): string {
    return shown_url(this.addr)
  }
}

function checked_callback<Callback>(name: string, fn: Callback): Callback {
  if (typeof fn === 'function') return fn
  throw new NetError('invalid_argument', `${name} got ${describe_value(fn)}: give a function`)
}
