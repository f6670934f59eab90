import type { NetError } from '@bt/ws-protocol'
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
 * Why a message went to no other server. `cluster_unavailable`: the queue for the broker is full
 * (`max_cluster_queue`). `too_large`: the broker takes no message of that size, so it went to no socket at
 * all. `closed`: the server has closed.
 */
export type PublishError = NetError & {
  /** The number of sockets of this server that took it anyway. */
  readonly reached: number
}
