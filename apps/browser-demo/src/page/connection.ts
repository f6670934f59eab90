import {
  type CloseInfo,
  type ConnectionState,
  connect,
  NetError,
  type ReconnectInfo,
  type ReconnectOptions,
  type WsClient,
} from '@bt/net'
import { type SessionOpening, session } from '@bt/net/session'
import type { Sender } from '../shared/load.js'

/** The limit of the send queue, smaller than the default so that users can watch it fill. */
export const MAX_QUEUE_BYTES: number = 1024 * 1024

// The first delays are longer than by default, so that users can see them, and later ones shorter, because
// the server is on this machine.
const RECONNECT: ReconnectOptions = { min_delay: 2_000, max_delay: 5_000 }

/** Whether the page is connected, about to be, or neither. */
export type Link = 'open' | 'waiting' | 'ended'

/** The next attempt to reconnect. */
export interface NextAttempt {
  /** Its number, from 1 on. */
  readonly attempt: number
  /** The time until it begins, in milliseconds; 0 while it is in progress. */
  readonly wait_ms: number
}

/** The callbacks of a {@link Connection}. */
export interface ConnectionEvents {
  /**
   * `attempt`: the number of the successful attempt to reconnect; `undefined` for a first connection. `opening`: how
   * the session goes on; `undefined` without one.
   */
  readonly on_open: (attempt: number | undefined, opening: SessionOpening | undefined) => void
  readonly on_message: (data: string) => void
  /** The connection was lost or an attempt failed, and another attempt follows. */
  readonly on_lost: (info: ReconnectInfo) => void
  readonly on_close: (info: CloseInfo) => void
  readonly on_error: (error: NetError) => void
}

/** The page's connection: one client after the other, with counts over all of them. */
export class Connection implements Sender {
  readonly #events: ConnectionEvents
  #ws: WsClient | undefined
  #info: CloseInfo | undefined
  #error: NetError | undefined
  #next: { readonly attempt: number; readonly at_ms: number } | undefined
  #is_full = false
  #sent = 0
  #received = 0
  #refused = 0
  #reconnects = 0
  #losses = 0
  #recoveries = 0
  #has_session = false

  constructor(events: ConnectionEvents) {
    this.#events = events
    // The client reconnects at once when the network returns, so the countdown ends as well.
    addEventListener('online', () => {
      if (this.#next !== undefined) this.#next = { ...this.#next, at_ms: performance.now() }
    })
  }

  /** The state of the client; `'none'` before the first. */
  get state(): ConnectionState | 'none' {
    return this.#ws?.state ?? 'none'
  }

  /** The number of queued bytes. */
  get queued_bytes(): number {
    return this.#ws?.queued ?? 0
  }

  /** How the last connection ended; `undefined` while there is one. */
  get info(): CloseInfo | undefined {
    return this.#info
  }

  /** The next attempt, while the client reconnects. */
  get next(): NextAttempt | undefined {
    if (this.#next === undefined) return undefined
    return {
      attempt: this.#next.attempt,
      wait_ms: Math.max(0, this.#next.at_ms - performance.now()),
    }
  }

  /** The last error of this connection. */
  get error(): NetError | undefined {
    return this.#error
  }

  /** Whether `send` found the queue full, and it has not drained since. */
  get is_full(): boolean {
    return this.#is_full
  }

  /** The number of messages that were queued, over all connections. */
  get sent(): number {
    return this.#sent
  }

  /** The number of received messages, over all connections. */
  get received(): number {
    return this.#received
  }

  /** How often `send` returned `queue_full` on this connection. */
  get refused(): number {
    return this.#refused
  }

  /** How often this connection was lost and reopened. */
  get reconnects(): number {
    return this.#reconnects
  }

  /** How often this connection was lost. */
  get losses(): number {
    return this.#losses
  }

  /** How often the session of this connection went on after a loss. */
  get recoveries(): number {
    return this.#recoveries
  }

  /** Whether this connection has a session. */
  get has_session(): boolean {
    return this.#has_session
  }

  /** Starts to connect. The previous client has to be closed. */
  connect(url: string, has_session: boolean): void {
    this.#info = undefined
    this.#error = undefined
    this.#refused = 0
    this.#reconnects = 0
    this.#losses = 0
    this.#recoveries = 0
    this.#has_session = has_session
    this.#is_full = false
    const ws = connect({
      type: 'ws',
      url,
      max_queue: MAX_QUEUE_BYTES,
      reconnect: RECONNECT,
      session: has_session ? session() : undefined,
    })
    this.#ws = ws
    ws.on_open((opening?: SessionOpening) => {
      const { attempt } = this.#next ?? {}
      if (attempt !== undefined) this.#reconnects += 1
      if (opening?.recovered) this.#recoveries += 1
      this.#info = this.#next = undefined
      this.#events.on_open(attempt, opening)
    })
    ws.on_message(data => {
      this.#received += 1
      this.#events.on_message(data)
    })
    ws.on_error(error => {
      this.#error = error
      this.#events.on_error(error)
    })
    ws.on_reconnecting(lost => {
      if (lost.info.cause !== 'refused') this.#losses += 1
      // The error says why an attempt failed; `info` keeps how the connection was lost in the first place.
      this.#info ??= lost.info
      this.#error = lost.error ?? this.#error
      this.#next = { attempt: lost.attempt, at_ms: performance.now() + lost.delay_ms }
      this.#events.on_lost(lost)
    })
    ws.on_close(info => {
      this.#info = info
      this.#next = undefined
      this.#is_full = false
      this.#events.on_close(info)
    })
  }

  /** Closes the connection with a closing handshake. Further calls do nothing. */
  close(): void {
    this.#ws?.close()
  }

  /** Reconnects without further delay, and keeps the queue. */
  try_now(): void {
    if (this.#ws?.state === 'reconnecting') this.#ws.reconnect()
  }

  /** Sends a message and counts it, or returns why it can't. */
  send(text: string): true | NetError {
    const sent = this.#client().send(text)
    if (sent === true) this.#sent += 1
    else if (sent.code === 'queue_full') this.#note_full()
    return sent
  }

  /** Resolves when the queue is empty. */
  drained(): Promise<void> {
    return this.#client().drained()
  }

  #client(): WsClient {
    if (this.#ws === undefined) throw new NetError('closed', 'there is no connection yet')
    return this.#ws
  }

  #note_full(): void {
    this.#refused += 1
    if (this.#is_full) return
    this.#is_full = true
    const ws = this.#ws
    const no_more = (): void => {
      if (this.#ws === ws) this.#is_full = false
    }
    ws?.drained().then(no_more, no_more)
  }
}
