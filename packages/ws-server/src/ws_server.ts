import type { CloseCause, NetError, Sendable } from '@bt/ws-protocol'
import type { ClusterStats } from './cluster/cluster.js'
import type { ClusterNode } from './cluster/nodes.js'
import type { RefusalReason } from './refusal.js'
import type { RoundTripStats } from './round_trips.js'
import type { CloseOptions } from './shutdown.js'
import type { WsSocket } from './socket.js'

/** Options of `publish` and `broadcast`. */
export interface BroadcastOptions {
  /** A socket to leave out, usually the one that the message came from. */
  readonly except?: WsSocket | undefined
}

/** Options of `broadcast`. */
export interface BroadcastToAllOptions extends BroadcastOptions {
  /** Whether to send to the sockets of the other servers of the `cluster`, too. @defaultValue `false` */
  readonly cluster?: boolean | undefined
}

/**
 * Why a message did not go to the other servers. `cluster_unavailable`: as much as `max_cluster_queue` allows is waiting for the broker. `too_large`:
 * the broker takes no message of that size, so it went nowhere. `closed`: the server has closed.
 */
export type PublishError = NetError & {
  /** How many sockets of this server took it anyway. */
  readonly reached: number
}

/** A snapshot of what a server is doing. */
export interface WsServerStats {
  /** Sockets that are open or closing. */
  readonly sockets: number
  /** Bytes sent that the network has not taken yet, over all sockets. */
  readonly queued_bytes: number
  /**
   * Bytes of memory held of what has come in, over all sockets and clients that wait for `authorize`: see `max_total_inbox`. Messages that a callback
   * is done with, as soon as it returns or its promise settles, are not among them.
   */
  readonly inbox_bytes: number
  /** Handshakes accepted since the server started. */
  readonly accepted: number
  /** Clients turned away since the server started, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>
  /** Sockets that have ended since the server started, by cause; `refused` stays 0, since those clients never were sockets. */
  readonly closed: Readonly<Record<CloseCause, number>>
  /** Bytes received from the sockets since the server started: with frame headers and handshakes, as compressed, and without what TLS adds. */
  readonly received_bytes: number
  /** Bytes handed to the network for the sockets since the server started, or still waiting there; counted in the same way. */
  readonly sent_bytes: number
  /** Sockets closed since the server started because all send queues together exceeded `max_total_queue`. */
  readonly shed: number
  /** Sockets closed since the server started because what had come in exceeded `max_total_inbox`. */
  readonly inbox_shed: number
  /** Topics with at least one socket. */
  readonly topics: number
  /** Figures about the `cluster`; `undefined` without that option. */
  readonly cluster: ClusterStats | undefined
  /** How long the answers to the last 1,024 pings took; `undefined` until there is one. Only silent sockets are pinged. */
  readonly round_trip_ms: RoundTripStats | undefined
}

/** A WebSocket server, as `listen` returns it; `Data` is what `authorize` returns. */
export interface WsServer<Data = unknown> {
  /** The address that it listens on, once {@link WsServer.opened} has resolved; until then the text of `bind`, or empty without one. */
  readonly addr: string
  /** Always `'ws'`. */
  readonly type: 'ws'
  /**
   * Resolves when the server is listening. Rejects with `address_in_use`, `address_unavailable` or `permission_denied` if it can't listen, or with
   * `closed` if `close()` came first. With the option `server`, it resolves once that server is listening; if it can't, that server reports the
   * error, not this promise.
   */
  readonly opened: Promise<void>
  /**
   * Resolves when the server has closed, every socket has ended, and the last callback is done; never rejects. Never await it in a callback of a
   * socket: the callback would wait for itself. A callback whose promise never settles keeps it pending, though the sockets have ended: set a timer
   * if you have to end in time.
   */
  readonly closed: Promise<void>
  /** The sockets that are open or closing. */
  readonly sockets: ReadonlySet<WsSocket<Data>>
  /**
   * Closes the server in order: accepts no new handshakes and reads no more messages (see {@link CloseOptions.late}); waits for the callbacks of
   * those that have arrived; sends what each socket has queued, then a Close, and terminates sockets that do not answer within `close_timeout`.
   * Closing twice is fine, and a second call with `drain_ms: 0` ends the wait of the first. A shared `server` keeps running; its route can be used
   * again at once.
   *
   * @throws NetError `invalid_option`, naming the option, its value and what was expected
   */
  close(options?: CloseOptions): true
  /**
   * Sends a message to every socket.
   *
   * @returns how many took it; the others are closing, have full queues (`on_error` gets `queue_full`), or can never take it (`too_large`)
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes; `invalid_option`, naming the option, its value and what was expected
   */
  broadcast(data: Sendable, options?: BroadcastOptions & { readonly cluster?: false | undefined }): number
  /** With `cluster: true`, also sends to the sockets of the other servers, and returns what {@link WsServer.publish} does. */
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError
  /**
   * Sends a message to every socket in a topic: see {@link WsSocket.join}. With `cluster`, also to those of the other servers, at most once, and in
   * order for each topic and publishing server; what is published while the broker is away goes out when it is back.
   *
   * @returns how many sockets of this server took it, as with {@link WsServer.broadcast}; 0 if none is in the topic. With `cluster`, possibly the
   * error that says why it went to no other server
   * @throws NetError `invalid_argument` if `data` is neither text nor bytes, or for a `topic` that is not a valid name; `invalid_option`, naming the
   * option, its value and what was expected
   */
  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError
  /** Returns how many sockets each topic has, as a copy; topics that no socket is in are not listed. */
  topics(): ReadonlyMap<string, number>
  /**
   * Returns the servers of the `cluster` that are running, this one first; without `cluster`, only this one. One that is silent for 20 seconds is
   * dropped; one that closes is gone at once.
   */
  nodes(): readonly ClusterNode[]
  /** Returns a snapshot of what the server is doing. */
  stats(): WsServerStats
  /** Closes, and waits for {@link WsServer.closed}. */
  [Symbol.asyncDispose](): Promise<void>
}
