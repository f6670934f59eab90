import {
  type Batch,
  type CancelTimer,
  CLOSE_CODE,
  type CloseInfo,
  Connection,
  type ConnectionOwner,
  type ConnectionState,
  close_on_abort,
  describe_count,
  describe_value,
  type MessageData,
  type MessageListener,
  NetError,
  type Platform,
  report_error,
  type Sendable,
  type SocketPort,
  type SocketSink,
} from '@bt/ws-protocol'
import { MessageIterator } from './message_iterator.js'
import type { ConnectSettings } from './options.js'
import type { WsClient } from './ws_client.js'
import { shown_url } from './shown_url.js'

/** An opening, or open, socket of a platform. */
export interface OpenedSocket<Kind extends Batch> {
  /** What the connection drives. */
  readonly port: SocketPort<Kind>
  /** The subprotocol that was agreed on, once open; empty where there is none. */
  protocol(): string
}

/** Starts to connect; `sink` is told how it goes. The one thing that differs by platform. */
export type OpenSocket<Kind extends Batch> = (settings: ConnectSettings, sink: SocketSink) => OpenedSocket<Kind>

type Data = MessageData<boolean>

/** A client over the sockets of any platform. */
export class Client<Kind extends Batch> implements WsClient<Data> {
  readonly addr: string
  readonly type = 'ws' as const
  readonly opened: Promise<void>
  readonly #settings: ConnectSettings
  readonly #platform: Platform<Kind>
  readonly #connection: Connection<Client<Kind>, Kind>
  readonly #socket: OpenedSocket<Kind>
  readonly #cancel_connect_timer: CancelTimer
  #on_open: (() => unknown) | undefined
  /** Who takes the messages: a callback, a loop, or nobody yet. */
  #taker: ((data: Data) => unknown) | MessageIterator<Data> | undefined
  #on_close: ((info: CloseInfo) => unknown) | undefined
  #on_error: ((err: NetError) => unknown) | undefined
  #is_close_untold = false
  /** Why the connection did not open, or was lost. */
  #error: NetError | undefined
  #settle_opened!: { resolve(): void; reject(error: NetError): void }

  constructor(settings: ConnectSettings, platform: Platform<Kind>, open_socket: OpenSocket<Kind>) {
    this.addr = settings.url
    this.#settings = settings
    this.#platform = platform
    this.#on_open = settings.on_open
    this.#taker = settings.on_message
    this.#on_close = settings.on_close
    this.#on_error = settings.on_error
    this.opened = new Promise((resolve, reject) => {
      this.#settle_opened = { resolve, reject }
    })
    // The error reaches `on_error`, or is said aloud: whoever does not wait for `opened` misses nothing.
    this.opened.catch(() => {})
    this.#connection = new Connection<Client<Kind>, Kind>(
      { ...settings, side: 'client' },
      this.#make_owner(),
      platform,
      () => this,
    )
    this.#socket = open_socket(settings, this.#connection)
    this.#connection.attach(this.#socket.port)
    this.#cancel_connect_timer = platform.clock.start_timer(settings.connect_timeout, () =>
      this.#connect_timed_out(),
    )
    close_on_abort(settings.signal, () => this.close(), this.closed)
  }

  get state(): ConnectionState {
    return this.#connection.state
  }

  get protocol(): string {
    return this.#socket.protocol()
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
    return this.#connection.send(data)
  }

  close(code?: number, reason?: string): true {
    return this.#connection.close(code, reason)
  }

  drained(): Promise<void> {
    return this.#connection.drained()
  }

  on_open(fn: () => unknown): void {
    this.#on_open = checked_callback('on_open', fn)
  }

  on_message(fn: (data: Data) => unknown): void {
    this.#replace_taker(checked_callback('on_message', fn))
  }

  on_close(fn: (info: CloseInfo) => unknown): void {
    this.#on_close = checked_callback('on_close', fn)
    if (!this.#is_close_untold) return
    this.#is_close_untold = false
    this.closed.then(fn).then(undefined, cause => this.#connection.callback_failed('close', cause))
  }

  on_error(fn: (err: NetError) => unknown): void {
    this.#on_error = checked_callback('on_error', fn)
  }

  [Symbol.asyncIterator](): AsyncIterator<Data, undefined> {
    const iterator = new MessageIterator<Data>({
      has_waiting: () => this.#connection.inbox_bytes > 0,
      deliver: () => this.#connection.callbacks_changed(),
      left: () => {
        if (this.#taker === iterator) this.#replace_taker(undefined)
      },
    })
    this.#replace_taker(iterator)
    this.closed.then(({ clean, cause }) => iterator.end(clean || cause === 'local' ? undefined : this.#error))
    return iterator
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  #make_owner(): ConnectionOwner<Client<Kind>> {
    return {
      on_open: client => client.#on_open?.(),
      on_message: (client, data) => client.#take(data),
      on_close: (client, info) => client.#told_of_close(info),
      message_listener: client => client.#message_listener(),
      report: (client, error) => client.#report(error),
      opened: client => client.#opened(),
      ended: (client, info, error) => client.#ended(info, error),
    }
  }

  #message_listener(): MessageListener {
    if (this.#taker === undefined) return 'nobody'
    return this.#taker instanceof MessageIterator && !this.#taker.is_asking ? 'busy' : 'ready'
  }

  #take(data: Data): unknown {
    return this.#taker instanceof MessageIterator ? this.#taker.push(data) : this.#taker?.(data)
  }

  #replace_taker(taker: ((data: Data) => unknown) | MessageIterator<Data> | undefined): void {
    if (this.#taker instanceof MessageIterator) this.#taker.stop()
    this.#taker = taker
    this.#connection.callbacks_changed()
  }

  #told_of_close(info: CloseInfo): unknown {
    this.#is_close_untold = this.#on_close === undefined
    return this.#on_close?.(info)
  }

  #opened(): void {
    this.#cancel_connect_timer()
    this.#settle_opened.resolve()
  }

  #ended(info: CloseInfo, error: NetError | undefined): void {
    this.#cancel_connect_timer()
    this.#error = error
    if (info.cause === 'network') {
      this.#error = connection_lost(this.#shown, info, error)
      this.#report(this.#error)
    }
    this.#settle_opened.reject(
      error ?? new NetError('closed', `connect: ${this.#shown} was closed before it was open`),
    )
  }

  #connect_timed_out(): void {
    const message = `connect: ${this.#shown} was not open after connect_timeout, ${this.#settings.connect_timeout} ms: check the address, or raise it`
    this.#connection.fail(new NetError('connect_timeout', message), CLOSE_CODE.ABNORMAL, 'refused')
  }

  #report(error: NetError): void {
    report_error(error, this.#on_error, this.#platform)
  }

  get #shown(): string {
    return shown_url(this.addr)
  }
}

function connection_lost(url: string, info: CloseInfo, cause: NetError | undefined): NetError {
  const why = cause === undefined ? 'it ended without a Close' : cause.message
  const message = `the connection to ${url} was lost: ${why}; unsent: ${describe_count(info.unsent, 'message')}; connect again`
  return new NetError('connection_lost', message, { cause })
}

function checked_callback<Callback>(name: string, fn: Callback): Callback {
  if (typeof fn === 'function') return fn
  throw new NetError('invalid_argument', `${name} got ${describe_value(fn)}: give a function`)
}
