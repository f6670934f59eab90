import { type CloseInfo, type ConnectionState, connect, NetError, type WsClient } from '@bt/net'
import type { Sender } from '../shared/load.js'

/** The bound of the send queue. Smaller than the default, so that one sees it fill. */
export const MAX_QUEUE_BYTES: number = 1024 * 1024

/** Who is told what happens to a connection. */
export interface ConnectionEvents {
  readonly on_open: () => void
  readonly on_message: (data: string) => void
  readonly on_close: (info: CloseInfo) => void
  readonly on_error: (error: NetError) => void
}

/** The page's connection: one client after the other, and what is counted of all of them. */
export class Connection implements Sender {
  readonly #events: ConnectionEvents
  #ws: WsClient | undefined
  #info: CloseInfo | undefined
  #error: NetError | undefined
  #is_full = false
  #sent = 0
  #received = 0
  #refused = 0

  constructor(events: ConnectionEvents) {
    this.#events = events
  }

  /** Where the client stands; `'none'` before the first. */
  get state(): ConnectionState | 'none' {
    return this.#ws?.state ?? 'none'
  }

  /** Bytes that were sent and that the network has not taken. */
  get queued_bytes(): number {
    return this.#ws?.queued ?? 0
  }

  /** How the last connection ended; `undefined` while there is one. */
  get info(): CloseInfo | undefined {
    return this.#info
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

  /** Starts to connect. The client before this one has to be closed. */
  connect(url: string): void {
    this.#info = undefined
    this.#error = undefined
    this.#refused = 0
    this.#is_full = false
    const ws = connect({ type: 'ws', url, max_queue: MAX_QUEUE_BYTES })
    this.#ws = ws
    ws.on_open(() => this.#events.on_open())
    ws.on_message(data => {
      this.#received += 1
      this.#events.on_message(data)
    })
    ws.on_error(error => {
      this.#error = error
      this.#events.on_error(error)
    })
    ws.on_close(info => {
      this.#info = info
      this.#is_full = false
      this.#events.on_close(info)
    })
  }

  /** Closes in order. Twice is fine. */
  close(): void {
    this.#ws?.close()
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
