import type { ClientOptions, WebSocket } from 'ws'

/** Who is told what happens to a {@link DirectWebSocket}: of the events of `ws`, those of a connection. */
export interface WsListener {
  /** The handshake is done. */
  ws_opened(): void
  /** A whole message has arrived. */
  ws_message(bytes: Buffer, is_binary: boolean): void
  /** A Close was handed to the socket: what the listener asked for, or the answer to the peer's, or to what the peer broke. */
  ws_closing(): void
  /** A ping has arrived, with that payload. */
  ws_pinged(payload: Buffer): void
  /** The answer to a ping has arrived. */
  ws_ponged(): void
  /** `ws` has met an error; the end comes next. */
  ws_failed(error: Error): void
  /** The socket has ended. */
  ws_closed(code: number, reason: Buffer): void
}

/**
 * A `WebSocket` that calls its one listener, where events would be emitted: for each message that spares two searches for listeners, and
 * for each connection the memory of six functions.
 */
export interface DirectWebSocket extends WebSocket {
  /** Who is told; until there is one, events are emitted as they always are. */
  listener: WsListener | undefined
}

/** How a {@link DirectWebSocket} is made: by `ws`, where its option `WebSocket` says so, or to connect. */
export type DirectWebSocketClass = new (
  url: URL,
  protocols: string[],
  options: ClientOptions,
) => DirectWebSocket

/** Makes the class out of that of `ws`, whose name and events are all that is used of it. */
export function direct_web_socket(base: typeof WebSocket): DirectWebSocketClass {
  return class extends base implements DirectWebSocket {
    listener: WsListener | undefined

    override close(code?: number, data?: string | Buffer): void {
      const was_open = this.readyState === this.OPEN
      super.close(code, data)
      if (was_open) this.listener?.ws_closing()
    }

    override emit(event: string | symbol, first?: unknown, second?: unknown): boolean {
      const { listener } = this
      if (listener === undefined) return super.emit(event, first, second)
      switch (event) {
        case 'message':
          listener.ws_message(first as Buffer, second as boolean)
          return true
        case 'ping':
          listener.ws_pinged(first as Buffer)
          return true
        case 'pong':
          listener.ws_ponged()
          return true
        case 'open':
          listener.ws_opened()
          return true
        case 'error':
          listener.ws_failed(first as Error)
          return true
        case 'close':
          listener.ws_closed(first as number, second as Buffer)
          return true
        default:
          return super.emit(event, first, second)
      }
    }
  }
}
