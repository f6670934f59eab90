import type { Sendable } from '@bt/ws-protocol'
import type { ClusterNode } from './cluster/nodes.js'
import type { BroadcastOptions, BroadcastToAllOptions, PublishError } from './sockets/broadcast_options.js'
import type { CloseOptions } from './sockets/close_options.js'
import type { WsServerStats } from './sockets/server_stats.js'
import type { WsSocket } from './sockets/socket.js'

/** The method {@link WsServer.broadcast}. */
export interface Broadcast {
  /** Sends to the sockets of this server. */
  (data: Sendable, options?: BroadcastOptions & { readonly cluster?: false | undefined }): number
  /** With `cluster: true`, sends to those of the other servers, too. */
  (data: Sendable, options?: BroadcastToAllOptions): number | PublishError
}

/** A WebSocket server, as `listen` returns it; `Data` is what `authorize` returns. */
export interface WsServer<Data = unknown> {
  /**
   * The address that it listens on, once {@link WsServer.opened} has resolved; until then the text of `bind`,
   * or empty without one.
   */
  readonly addr: string
  /** Always `'ws'`. */
  readonly type: 'ws'
  /**
   * Resolves when the server is listening. Rejects with `address_in_use`, `address_unavailable` or
   * `permission_denied` if it can't listen, or with `closed` if `close()` came first. With the option
   * `server`, it resolves once that server is listening; if it can't, that server reports the error, not this
   * promise.
   */
  readonly opened: Promise<void>
  /**
   * Resolves when the server has closed, every socket has ended, and the last callback is done; never
   * rejects. A callback that is still pending `close_timeout` after the last socket has ended is reported as
   * `callback_pending`, and no longer waited for. Never await this in a callback of a socket: it would wait
   * for itself until then.
   */
  readonly closed: Promise<void>
  /** The sockets that are open or closing. */
  readonly sockets: ReadonlySet<WsSocket<Data>>
  /**
   * Closes the server in order: accepts no new handshakes and reads no more messages (see
   * {@link CloseOptions.late}); waits for the callbacks of received messages; sends the queue of each socket,
   * then a Close, and terminates sockets that do not answer within `close_timeout`. Closing twice is fine,
   * and a second call with `drain_ms: 0` or `now: true` ends the wait of the first. A shared `server` keeps running; its
   * route can be used again at once.
   *
   * @throws NetError `invalid_option`, naming the option, its value and what was expected
   */
  readonly close: (options?: CloseOptions) => true
  /**
   * Sends a message to every socket. With `cluster: true`, also to those of the other servers; then it
   * returns what {@link WsServer.publish} does.
   *
   * @returns the number of sockets that queued it; the others are closing, have full queues (`on_error` gets
   * `queue_full`), or can never take it (`too_large`)
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes; `invalid_option`, naming the
   * option, its value and what was expected
   */
  readonly broadcast: Broadcast
  /**
   * Sends a message to every socket in a topic: see {@link WsSocket.join}. With `cluster`, also to those of
   * the other servers, at most once, and in order for each topic and publishing server; messages published
   * while the broker is unavailable are sent when it is back.
   *
   * @returns the number of sockets of this server that queued it, as with {@link WsServer.broadcast}; 0 if
   * none is in the topic. With `cluster`, possibly the error because of which it went to no other server
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes, or for a `topic` that is not a
   * valid name; `invalid_option`, naming the option, its value and what was expected
   */
  readonly publish: (topic: string, data: Sendable, options?: BroadcastOptions) => number | PublishError
  /** Returns the number of sockets in each topic, as a copy, without topics that no socket is in. */
  readonly topics: () => ReadonlyMap<string, number>
  /**
   * Returns the servers of the `cluster` that are running, this one first; without `cluster`, only this one.
   * One that is silent for 20 seconds is dropped; one that closes is gone at once.
   */
  readonly nodes: () => readonly ClusterNode[]
  /** Returns a snapshot of what the server is doing. */
  readonly stats: () => WsServerStats
  /** Closes, and waits for {@link WsServer.closed}. */
  [Symbol.asyncDispose](): Promise<void>
}
