import type { CloseCause } from '@bt/ws-protocol'
import type { ClusterStats } from '../cluster/cluster.js'
import type { RefusalReason } from '../handshake/refusal.js'
import type { RoundTripStats } from './round_trips.js'
import type { SessionStats } from './session_stats.js'

/** A snapshot of what a server is doing. */
export interface WsServerStats {
  /** Sockets that are open or closing. */
  readonly sockets: number
  /** Bytes sent that the network has not taken yet, over all sockets. */
  readonly queued_bytes: number
  /**
   * Bytes of memory held for received data, over all sockets and clients that wait for `authorize`: see
   * `max_total_inbox`. A message stops counting as soon as its callback returns, or the promise of the
   * callback settles.
   */
  readonly inbox_bytes: number
  /** Handshakes accepted since the server started. */
  readonly accepted: number
  /** Clients turned away since the server started, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>
  /**
   * Sockets that have ended since the server started, by cause; `refused` stays 0, since those clients never
   * were sockets.
   */
  readonly closed: Readonly<Record<CloseCause, number>>
  /**
   * Bytes received from the sockets since the server started: with frame headers and handshakes, as
   * compressed, and without what TLS adds.
   */
  readonly received_bytes: number
  /**
   * Bytes handed to the network for the sockets since the server started, or still waiting there; counted in
   * the same way.
   */
  readonly sent_bytes: number
  /** Sockets closed since the server started because all send queues together exceeded `max_total_queue`. */
  readonly shed: number
  /** Sockets closed since the server started because received data exceeded `max_total_inbox`. */
  readonly inbox_shed: number
  /**
   * Sockets that were slowed down since the server started, because they used up `messages_per_second` or
   * `bytes_per_second`; each counts once.
   */
  readonly slowed: number
  /** Topics with at least one socket. */
  readonly topics: number
  /** Figures about `sessions`; `undefined` without that option. */
  readonly sessions: SessionStats | undefined
  /** Figures about the `cluster`; `undefined` without that option. */
  readonly cluster: ClusterStats | undefined
  /**
   * How long the answers to the last 1,024 pings took; `undefined` until there is one. Only silent sockets
   * are pinged.
   */
  readonly round_trip_ms: RoundTripStats | undefined
}
