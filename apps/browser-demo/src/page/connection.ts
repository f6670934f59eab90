import {
  type CloseInfo,
  type ConnectionState,
  connect,
  NetError,
  type ReconnectInfo,
  type ReconnectOptions,
  type WsClient,
} from '@bt/net'
import type { Sender } from '../shared/load.js'

/** The bound of the send queue. Smaller than the default, so that one sees it fill. */
export const MAX_QUEUE_BYTES: number = 1024 * 1024

// Longer waits at first than by default, so that one sees them, and shorter ones later: the server is on this machine.
const RECONNECT: ReconnectOptions = { min_delay: 2_000, max_delay: 5_000 }

/** How the page stands to its server: known there, on its way there, or neither. */
export type Link = 'open' | 'waiting' | 'ended'

/** When a connection that is lost is tried again. */
export interface NextAttempt {
  /** Its number, from 1 on. */
  readonly attempt: number
  /** In how many milliseconds it begins; 0 where it is under way. */
  readonly wait_ms: number
}

/** Who is told what happens to a connection. */
export interface ConnectionEvents {
  /** `attempt`: the number of the one that succeeded; `undefined` where the first try did. */
  readonly on_open: (attempt: number | undefined) => void
  readonly on_message: (data: string) => void
  /** The connection is lost, or an attempt has failed, and there will be another one. */
  readonly on_lost: (info: ReconnectInfo) => void
  readonly on_close: (info: CloseInfo) => void
  readonly on_error: (error: NetError) => void
}

/** The page's connection: one client after the other, and what is counted of all of them. */
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

  constructor(events: ConnectionEvents) {
    this.#events = events
    // The client ends its wait then, and so does what is shown of it.
    addEventListener('online', () => {
      if (this.#next !== undefined) this.#next = { ...this.#next, at_ms: performance.now() }
    })
  }

  /** Where the client stands; `'none'` before the first. */
  get state(): ConnectionState | 'none' {
    return this.#ws?.state ?? 'none'
  }

  /** Bytes that were sent and that the network has not taken. */
  get queued_bytes(): number {
    return this.#ws?.queued ?? 0
  }

  /** How the last connection ended, or was lost; `undefined` while there is one. */
  get info(): CloseInfo | undefined {
    return this.#info
  }

  /** What comes next where the connection is lost and not given up. */
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

  /** Whether `send` has found the queue full, and it has not been drained since. */
  get is_full(): boolean {
    return this.#is_full
  }

  /** How many messages the queues took, over all connections. */
  get sent(): number {
    return this.#sent
  }

  /** How many messages came, over all connections. */
  get received(): number {
    return this.#received
  }

  /** How often `send` returned `queue_full` on this connection. */
  get refused(): number {
    return this.#refused
  }

  /** How often this connection was lost, and is open again. */
  get reconnects(): number {
    return this.#reconnects
  }

  /** Starts to connect. The client before this one has to be closed. */
  connect(url: string): void {
    this.#info = undefined
    this.#error = undefined
    this.#refused = 0
    this.#reconnects = 0
    this.#is_full = false
    const ws = connect({ type: 'ws', url, max_queue: MAX_QUEUE_BYTES, reconnect: RECONNECT })
    this.#ws = ws
    ws.on_open(() => {
      const { attempt } = this.#next ?? {}
      if (attempt !== undefined) this.#reconnects += 1
      this.#info = this.#next = undefined
      this.#events.on_open(attempt)
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
      // Why attempts fail tells the error; how it all began stays to be seen.
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

  /** Closes in order. Twice is fine. */
  close(): void {
    this.#ws?.close()
  }

  /** Ends the wait before the next attempt. The client does so by itself when the network comes back, and keeps what is queued. */
  try_now(): void {
    dispatchEvent(new Event('online'))
  }

  /** Sends, or says why not, and counts. */
  send(text: string): true | NetError {
    const sent = this.#client().send(text)
    if (sent === true) this.#sent += 1
    else if (sent.code === 'queue_full') this.#note_full()
    return sent
  }

  /** Settles when the network has taken all that was sent. */
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
