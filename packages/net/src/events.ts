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

/** Whose connection an event is about: `side` tells what `handle` is. */
export type NetConnectionEvent =
  | ConnectionEvent<'server', WsSocket>
  | ConnectionEvent<'client', WsClient<MessageData<true>>>

/** An error of a server itself, of no single socket. */
export type NetServerEvent = ConnectionEvent<'server', undefined>

/**
 * What is published on each channel of Node's `diagnostics_channel`, by the name of the channel, in the process where it happens. A
 * subscriber is called at once, in the middle of what happens; with none, nothing is made and nothing is spent.
 */
export interface NetEvents {
  /** A connection is open; that of a client that comes back, each time. */
  'bt.net.open': NetConnectionEvent
  /** A connection has ended, whether it was open or not; so has each socket of a client that comes back. */
  'bt.net.close': NetConnectionEvent & CloseDetails
  /** A message came, or was sent. */
  'bt.net.message': NetConnectionEvent & MessageDetails
  /** A message did not fit into the send queue: the first one since the queue was last empty. */
  'bt.net.queue_full': NetConnectionEvent & ErrorDetails
  /** A server turned a client away. */
  'bt.net.refused': RefusedEvent<RefusalReason>
  /** Something failed, `queue_full` too: whatever `on_error` is told. */
  'bt.net.error': (NetConnectionEvent | NetServerEvent) & ErrorDetails
}
