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
 * Why a message did not go to the other servers. `cluster_unavailable`: as much as `max_cluster_queue` allows is waiting for the broker. `too_large`:
 * the broker takes no message of that size, so it went nowhere. `closed`: the server has closed.
 */
export type PublishError = NetError & {
  /** How many sockets of this server took it anyway. */
  readonly reached: number
}
