import type { CloseCause, NetError, Sendable } from '@bt/ws-protocol'
import type { ClusterStats } from './cluster/cluster.js'
import type { ClusterNode } from './cluster/nodes.js'
import type { RefusalReason } from './refusal.js'
import type { RoundTripStats } from './round_trips.js'
import type { CloseOptions } from './shutdown.js'
import type { WsSocket } from './socket.js'

/** How a message to many goes out. */
export interface BroadcastOptions {
  /** The one socket that is left out: as a rule the one the message came from. */
  readonly except?: WsSocket | undefined
}

/** How a message to all sockets goes out. */
export interface BroadcastToAllOptions extends BroadcastOptions {
  /** Whether it goes to the sockets of the other servers of the `cluster`, too. @defaultValue `false` */
  readonly cluster?: boolean | undefined
}

/**
 * Why a message did not go to the other servers. `cluster_unavailable`: as much as `max_cluster_queue` allows waits for the broker. `too_large`: the
 * broker takes no message of that size; then it went nowhere. `closed`: the server has closed.
 */
export type PublishError = NetError & {
  /** How many sockets of this server took it all the same. */
  readonly reached: number
}

/** What a server is doing, counted when it is asked. */
export interface WsServerStats {
  /** Sockets that are open or closing. */
  readonly sockets: number
  /** Bytes that were sent and that the network has not taken, over all sockets. */
  readonly queued_bytes: number
  /** Bytes of the messages that wait for a slow callback, over all sockets. */
  readonly inbox_bytes: number
  /** Handshakes that were accepted since the server started. */
  readonly accepted: number
  /** Clients that were turned away since the server started, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>
  /** Sockets that have ended since the server started, by cause; `refused` stays 0, since those never were sockets. */
  readonly closed: Readonly<Record<CloseCause, number>>
  /** Bytes that came from the sockets since the server started: with frame headers and handshakes, compressed as they were, without what TLS adds. */
  readonly received_bytes: number
  /** Bytes that were handed to the network for the sockets since the server started, or wait there; counted in the same way. */
  readonly sent_bytes: number
  /** Sockets that were closed since the server started, since all queues together had become too large: see `max_total_queue`. */
  readonly shed: number
  /** Topics that a socket is in. */
  readonly topics: number
  /** What it does as one of several servers; `undefined` without `cluster`. */
  readonly cluster: ClusterStats | undefined
  /** How long the answers to the last 1,024 pings took; `undefined` while there was none. Only sockets that are silent are pinged. */
  readonly round_trip_ms: RoundTripStats | undefined
}

/** A WebSocket server, as `listen` returns it; `Data` is what `authorize` returns. */
export interface WsServer<Data = unknown> {
  /** The address it listens on, once {@link WsServer.opened} has settled; before that, the text of `bind`, empty where there is none. */
  readonly addr: string
  /** Always `'ws'`. */
  readonly type: 'ws'
  /**
   * Settles when the server listens. Rejects where it can't, with `address_in_use`, `address_unavailable` or `permission_denied`, or
   * with `closed` if `close()` came first. With the option `server` it settles when that one listens, or did already; whether and where it
   * does is its owner's to see to, so what keeps it from listening is not told here.
   */
  readonly opened: Promise<void>
  /**
   * Settles when the server has closed, every socket has ended, and the last callback is done. Never rejects. A callback of a socket must
   * not await it: it would wait for itself. Nor does it settle while the promise of a callback does not, though the sockets have ended: whoever
   * has to end by a certain time has to end without it.
   */
  readonly closed: Promise<void>
  /** The sockets that are open or closing. */
  readonly sockets: ReadonlySet<WsSocket<Data>>
  /**
   * Closes in order: takes no new handshakes and reads no more messages (see {@link CloseOptions.late}); waits until the callbacks of those that have arrived are done;
   * sends what each socket has queued, then a Close, and terminates those that do not answer within `close_timeout`. Twice is
   * fine, and a second call with `drain_ms: 0` ends the wait of the first. A `server` that was given goes on; its route can be mounted again
   * at once.
   *
   * @throws NetError `invalid_option`, naming the option, the value got and what was expected
   */
  close(options?: CloseOptions): true
  /**
   * Sends a message to every socket.
   *
   * @returns how many took it; the others are closing, or have full queues, of which `on_error` is told
   * @throws NetError `invalid_argument` when `data` is neither text nor bytes
   */
  broadcast(data: Sendable, options?: BroadcastOptions & { readonly cluster?: false | undefined }): number
  /** With `cluster: true` it goes to the sockets of the other servers as well, as {@link WsServer.publish} does, and returns what that returns. */
  broadcast(data: Sendable, options?: BroadcastToAllOptions): number | PublishError
  /**
   * Sends a message to every socket that is in a topic: see {@link WsSocket.join}. With `cluster`, to those of the other servers as well, at most
   * once: in order for each topic and server that publishes; what is published while the broker is away goes out when it is back.
   *
   * @returns how many sockets of this server took it, as of {@link WsServer.broadcast}; 0 where nobody here is in the topic. With `cluster`, the
   * error that tells why it went to no other server
   * @throws NetError `invalid_argument` when `data` is neither text nor bytes, or for what can't be the name of a topic
   */
  publish(topic: string, data: Sendable, options?: BroadcastOptions): number | PublishError
  /** How many sockets each topic has, a copy; topics that nobody is in are not there. */
  topics(): ReadonlyMap<string, number>
  /**
   * The servers of the `cluster` that are there, this one first; without `cluster`, it alone. One that says nothing for 20 seconds is not there,
   * and one that closes is gone at once.
   */
  nodes(): readonly ClusterNode[]
  /** What the server is doing just now. */
  stats(): WsServerStats
  /** Closes, and waits for {@link WsServer.closed}. */
  [Symbol.asyncDispose](): Promise<void>
}
