import {
  type CloseInfo,
  type ConnectionState,
  type MessageData,
  NetError,
  type Sendable,
} from '@bt/ws-protocol'
import {
  type CancelTimer,
  Connection,
  type ConnectionEvents,
  callback_error,
  close_on_abort,
  describe_value,
  Heartbeat,
  type ListenerState,
  type Platform,
  report_error,
  type SocketEvents,
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
  /** What the connection drives. */
  readonly port: SocketPort
  /** The subprotocol that was agreed on, once open; empty where there is none. */
  protocol(): string
}

/** Starts to connect; `sink` is told how it goes. The one thing that differs by platform. */
export type OpenSocket = (sink: SocketEvents) => OpenedSocket

type Data = MessageData<boolean>

/** Takes messages: a callback, or a loop. */
interface MessageConsumer {
  push(data: Data): unknown
  stop(): void
}

/** A client over the sockets of any platform. */
export class Client implements WsClient<Data> {
  readonly addr: string
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly #settings: ConnectSettings
  readonly #platform: Platform
  readonly #connection: Connection<Client>
  readonly #open_socket: OpenSocket
  readonly #heartbeat: Heartbeat
  readonly #reconnector: Reconnector | undefined
  readonly #callbacks: Pick<
    WsConnectOptions<boolean>,
    'on_open' | 'on_close' | 'on_error' | 'on_reconnecting'
  >
  #socket: OpenedSocket | undefined
  #cancel_connect_timer: CancelTimer | undefined
  /** Whether `on_error` was told that the connection is lost, since it was open. */
  #is_loss_told = false
  #consumer: MessageConsumer | undefined
  #is_close_untold = false
  /** Why the connection did not open, or was lost. */
  #error: NetError | undefined
  #settle_opened!: (error?: NetError) => void

  /** `read_refusal`: left out if the platform does not reveal why a handshake was refused. */
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
    this.#heartbeat = new Heartbeat(settings.heartbeat, platform.clock, () => [this.#connection])
    const backoff = backoff_settings(settings.reconnect)
    if (backoff !== undefined)
      this.#reconnector = new Reconnector({ ...backoff, url: this.addr, read_refusal }, platform, () =>
        this.#again(),
      )
    this.opened = new Promise((resolve, reject) => {
      this.#settle_opened = error => (error === undefined ? resolve() : reject(error))
    })
    // The error reaches `on_error`, or is said aloud: whoever does not wait for `opened` misses nothing.
    this.opened.catch(() => {})
    this.#connection = new Connection<Client>(
      { ...settings, side: 'client' },
      this.#make_owner(),
      platform,
      () => this,
    )
    if (settings.on_message === undefined) this.#connection.set_listener('none')
    else this.on_message(settings.on_message)
    if (settings.signal?.aborted !== true) this.#open()
    close_on_abort(settings.signal, () => this.close(), this.closed)
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get protocol(): string {
    return this.#socket?.protocol() ?? ''
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
    if (!this.#is_close_untold) return
    this.#is_close_untold = false
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
    // After the peer's Close there is no error, unless this side had failed the connection before.
    this.closed.then(({ cause }) => iterator.end(cause === 'local' ? undefined : this.#error))
    return iterator
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #make_owner(): ConnectionEvents<Client> {
    const reconnector = this.#reconnector
    return {
      retry: reconnector && {
        allows: (ending, error) => reconnector.allows(ending, error),
        lost: (_client, info, error) => this.#lost(info, error, reconnector),
      },
      on_open: () => this.#callbacks.on_open?.(),
      on_message: (_client, data) => this.#consumer?.push(data),
      on_close: (_client, info) => {
        this.#is_close_untold = this.#callbacks.on_close === undefined
        return this.#callbacks.on_close?.(info)
      },
      report: (_client, error) => this.#report(error),
      opened: () => {
        this.#cancel_connect_timer?.()
        this.#is_loss_told = false
        this.#reconnector?.opened()
        this.#heartbeat.start()
        this.#settle_opened()
      },
      ended: (_client, info, error) => this.#ended(info, error),
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

  #again(): void {
    if (!this.#connection.reopen()) return
    try {
      this.#open()
    } catch (error) {
      this.#connection.abandon(error as NetError)
    }
  }

  /** Lost, but not for ever. Of all that fails until it is open again, `on_error` is told the first. */
  #lost(info: CloseInfo, cause: NetError | undefined, reconnector: Reconnector): void {
    this.#stop_watching()
    const delay_ms = reconnector.wait(info)
    const error = this.#explain(info, cause, `connecting again in ${delay_ms} ms`)
    if (error !== undefined && !this.#is_loss_told) {
      this.#is_loss_told = true
      this.#report(error)
    }
    // Whoever was told may have closed it.
    if (this.state !== 'reconnecting') return
    const attempt = reconnector.attempts
    const tell = async (): Promise<void> =>
      this.#callbacks.on_reconnecting?.({ attempt, delay_ms, info, error })
    tell().catch(reason => this.#report(callback_error('on_reconnecting', reason)))
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

  #ended(info: CloseInfo, error: NetError | undefined): void {
    this.#stop_watching()
    this.#reconnector?.stop()
    const told = this.#explain(info, error, 'connect again')
    if (told !== undefined) this.#report(told)
    this.#error = told ?? error
    this.#settle_opened(
      error ?? new NetError('closed', `connect: ${this.#shown} was closed before it was open`),
    )
  }

  /** What `on_error` is told of an end that was no Close, or that was the last of `max_attempts`. */
  #explain(info: CloseInfo, error: NetError | undefined, next: string): NetError | undefined {
    const { cause, code, reason, unsent } = info
    const gave_up = this.#reconnector?.gave_up
    if (cause === 'refused')
      return gave_up && error ? new NetError(error.code, `${error.message}; ${gave_up}`, error) : error
    if (cause !== 'network' && cause !== 'heartbeat' && !(cause === 'peer' && gave_up)) return undefined
    const why =
      error?.message ?? (cause === 'peer' ? `closed with ${code} ${reason}` : 'it ended without a Close')
    const message = `the connection to ${this.#shown} was lost: ${why}; unsent messages: ${unsent}; ${gave_up ?? next}`
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
