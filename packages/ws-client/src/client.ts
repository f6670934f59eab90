import {
  ABNORMAL_CLOSURE,
  type Batch,
  type CancelTimer,
  type CloseInfo,
  Connection,
  type ConnectionOwner,
  type ConnectionState,
  close_on_abort,
  describe_value,
  type MessageData,
  NetError,
  type Platform,
  report_error,
  type Sendable,
  type SocketPort,
  type SocketSink,
} from '@bt/ws-protocol'
import { MessageIterator } from './message_iterator.js'
import type { ConnectSettings, WsConnectOptions } from './options.js'
import { shown_url } from './shown_url.js'
import type { WsClient } from './ws_client.js'

/** An opening, or open, socket of a platform. */
export interface OpenedSocket<Kind extends Batch> {
  /** What the connection drives. */
  readonly port: SocketPort<Kind>
  /** The subprotocol that was agreed on, once open; empty where there is none. */
  protocol(): string
}

/** Starts to connect; `sink` is told how it goes. The one thing that differs by platform. */
export type OpenSocket<Kind extends Batch> = (sink: SocketSink) => OpenedSocket<Kind>

type Data = MessageData<boolean>

/** Who takes messages: a callback always asks for one, a loop when it is ready for it. */
interface Taker {
  readonly is_asking: boolean
  push(data: Data): unknown
  stop(): void
}

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
  readonly #callbacks: Pick<WsConnectOptions<boolean>, 'on_open' | 'on_close' | 'on_error'>
  #taker: Taker | undefined
  #is_close_untold = false
  /** Why the connection did not open, or was lost. */
  #error: NetError | undefined
  #settle_opened!: { resolve(): void; reject(error: NetError): void }

  constructor(settings: ConnectSettings, platform: Platform<Kind>, open_socket: OpenSocket<Kind>) {
    this.addr = settings.url
    this.#settings = settings
    this.#platform = platform
    this.#callbacks = { ...settings }
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
    if (settings.on_message !== undefined) this.on_message(settings.on_message)
    this.#socket = open_socket(this.#connection)
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
    this.#replace_taker({ is_asking: true, push: checked_callback('on_message', fn), stop: () => {} })
  }

  on_close(fn: (info: CloseInfo) => unknown): void {
    this.#callbacks.on_close = checked_callback('on_close', fn)
    if (!this.#is_close_untold) return
    this.#is_close_untold = false
    this.closed.then(fn).catch(cause => this.#connection.callback_failed('close', cause))
  }

  on_error(fn: (err: NetError) => unknown): void {
    this.#callbacks.on_error = checked_callback('on_error', fn)
  }

  [Symbol.asyncIterator](): AsyncIterator<Data, undefined> {
    const iterator = new MessageIterator<Data>(
      () => this.#connection.callbacks_changed(),
      () => {
        if (this.#taker === iterator) this.#replace_taker(undefined)
      },
    )
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
      on_open: () => this.#callbacks.on_open?.(),
      on_message: (_client, data) => this.#taker?.push(data),
      on_close: (_client, info) => {
        this.#is_close_untold = this.#callbacks.on_close === undefined
        return this.#callbacks.on_close?.(info)
      },
      message_listener: () =>
        this.#taker === undefined ? 'nobody' : this.#taker.is_asking ? 'ready' : 'busy',
      report: (_client, error) => report_error(error, this.#callbacks.on_error, this.#platform),
      opened: () => {
        this.#cancel_connect_timer()
        this.#settle_opened.resolve()
      },
      ended: (_client, info, error) => this.#ended(info, error),
    }
  }

  #replace_taker(taker: Taker | undefined): void {
    this.#taker?.stop()
    this.#taker = taker
    this.#connection.callbacks_changed()
  }

  #ended(info: CloseInfo, error: NetError | undefined): void {
    this.#cancel_connect_timer()
    this.#error = error
    if (info.cause === 'network') {
      this.#error = connection_lost(this.#shown, info, error)
      report_error(this.#error, this.#callbacks.on_error, this.#platform)
    }
    this.#settle_opened.reject(
      error ?? new NetError('closed', `connect: ${this.#shown} was closed before it was open`),
    )
  }

  #connect_timed_out(): void {
    const message = `connect: ${this.#shown} was not open after connect_timeout, ${this.#settings.connect_timeout} ms; check the address, or raise it`
    this.#connection.fail(new NetError('connect_timeout', message), ABNORMAL_CLOSURE, 'refused')
  }

  get #shown(): string {
    return shown_url(this.addr)
  }
}

function connection_lost(url: string, { unsent }: CloseInfo, cause: NetError | undefined): NetError {
  const why = cause?.message ?? 'it ended without a Close'
  const message = `the connection to ${url} was lost: ${why}; unsent messages: ${unsent}; connect again`
  return new NetError('connection_lost', message, { cause })
}

function checked_callback<Callback>(name: string, fn: Callback): Callback {
  if (typeof fn === 'function') return fn
  throw new NetError('invalid_argument', `${name} got ${describe_value(fn)}: give a function`)
}
