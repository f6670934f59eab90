import type { WsClient } from '@bt/ws-client'
import type {
  CloseDetails,
  ConnectionEvent,
  ErrorDetails,
  MessageData,
  MessageDetails,
  RefusedEvent,
} from '@bt/ws-protocol'
import type { RefusalReason, WsSocket } from '@bt/ws-server'

/** The connection of an event: `side` says what `handle` is. */
export type NetConnectionEvent =
  | ConnectionEvent<'server', WsSocket>
  | ConnectionEvent<'client', WsClient<MessageData<true>>>

/** The server of an error that concerns no single socket. */
export type NetServerEvent = ConnectionEvent<'server', undefined>

/**
 * Events that are published on Node's `diagnostics_channel`, by the name of the channel, in the process where
 * they happen. Subscribers are called at once, in the middle of what happens; without any, no event is made,
 * and nothing is spent.
 */
export interface NetEvents {
  /** A connection has opened; for a client with `reconnect`, each time. */
  'bt.net.open': NetConnectionEvent
  /** A connection has ended, or never opened; for a client with `reconnect`, each time. */
  'bt.net.close': NetConnectionEvent & CloseDetails
  /** A message has arrived, or was queued by `send`. */
  'bt.net.message': NetConnectionEvent & MessageDetails
  /** A message did not fit into the send queue, the first since the queue was last empty. */
  'bt.net.queue_full': NetConnectionEvent & ErrorDetails
  /** A server turned a client away. */
  'bt.net.refused': RefusedEvent<RefusalReason>
  /** Something failed: every error that `on_error` gets, including `queue_full`. */
  'bt.net.error': (NetConnectionEvent | NetServerEvent) & ErrorDetails
}
