import type { CloseInfo } from './close_info.js'
import type { NetError } from './errors.js'
import type { Sendable } from './payload.js'

/** Whose connection an event is about. */
export interface ConnectionEvent<Side = 'client' | 'server', Handle = unknown> {
  /** Which side published it; where both are in one process, each publishes its own. */
  readonly side: Side
  /** What `connect` returned, or what the server's callbacks get; the same object in all events of a connection. */
  readonly handle: Handle
}

/** How a connection ended, or one socket of a client that comes back. */
export interface CloseDetails {
  /** How it ended. `info.unsent` counts in the last event of a client the messages that were lost with its sockets before, too. */
  readonly info: CloseInfo
  /** Why, where that was no Close. */
  readonly error: NetError | undefined
  /** Whether the client will connect again, as `reconnect` says; else it was the last event of this kind for its handle. */
  readonly will_reconnect: boolean
}

/** A message that came or goes. */
export interface MessageDetails {
  /** `received`: it has arrived, and its callback comes later. `sent`: the queue took it, and it goes out later. */
  readonly direction: 'received' | 'sent'
  /** The message itself: not to be changed, nor kept, since whoever sent it may write something else into its bytes. */
  readonly data: Sendable
  /** Its size, text as UTF-8, without frame headers and before compression. */
  readonly payload_bytes: number
}

/** What went wrong. */
export interface ErrorDetails {
  /** As `on_error` gets it. */
  readonly error: NetError
}

/** A client was turned away before it had a connection. */
export interface RefusedEvent<Reason = string> {
  /** Always `'server'`. */
  readonly side: 'server'
  /** Why, as `stats().refused` counts it. */
  readonly reason: Reason
  /** The HTTP status that it was answered with; `undefined` for a client that got no answer, since TLS failed or it left. */
  readonly status: number | undefined
  /** The client's address, as `socket.addr` would be. */
  readonly addr: string
  /** The path that it asked for, percent-encoded as it came; `undefined` where its request could not be read. */
  readonly path: string | undefined
}

/** What is published on each channel; the names are those of the channels, behind `bt.net.`. */
export interface ChannelEvents {
  /** A connection is open: for the first time, or again. */
  readonly open: ConnectionEvent
  /** A connection has ended, whether it was open or not; so has each socket of a client that comes back. */
  readonly close: ConnectionEvent & CloseDetails
  /** A message came, or was sent. */
  readonly message: ConnectionEvent & MessageDetails
  /** A message did not fit into the queue: the first one since the queue was last empty. */
  readonly queue_full: ConnectionEvent & ErrorDetails
  /** A server turned a client away. */
  readonly refused: RefusedEvent
  /** Something failed; where it concerns no single connection, there is no handle. */
  readonly error: ConnectionEvent & ErrorDetails
}

/** What can be published. */
export type ChannelName = keyof ChannelEvents

/** Where events are published, as on a channel of Node's `diagnostics_channel`. */
export interface Channel<Event> {
  /** Whether anybody would hear it; if not, nothing is made to be published. */
  readonly hasSubscribers: boolean
  /** Tells all subscribers, at once. */
  publish(event: Event): void
}

/** A channel for each kind of event. */
export type Channels = { readonly [Name in ChannelName]: Channel<ChannelEvents[Name]> }
