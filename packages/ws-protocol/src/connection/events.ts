import type { NetError } from '../errors/errors.js'
import type { Sendable } from '../frames/payload.js'
import type { CloseInfo } from './close_info.js'

/** The connection that an event is about. */
export interface ConnectionEvent<Side = 'client' | 'server', Handle = unknown> {
  /** Which side published it; if both are in one process, each publishes its own events. */
  readonly side: Side
  /**
   * The socket that server callbacks get, or what `connect` returned; the same object in all events of a
   * connection.
   */
  readonly handle: Handle
}

/** How a connection ended; a client with `reconnect` can have several. */
export interface CloseDetails {
  /**
   * How it ended. In a client's last event, `info.unsent` includes the messages lost with its earlier
   * connections.
   */
  readonly info: CloseInfo
  /** What went wrong, if anything did. */
  readonly error: NetError | undefined
  /** Whether the client will reconnect; if not, this is the last event of this kind for its handle. */
  readonly will_reconnect: boolean
}

/** A message that was received or sent. */
export interface MessageDetails {
  /**
   * `received`: it has arrived, and its callback runs later. `sent`: the queue took it, and it goes out
   * later.
   */
  readonly direction: 'received' | 'sent'
  /** The message itself, not a copy: do not change or keep it, since its sender may reuse the bytes. */
  readonly data: Sendable
  /** Its size, with text as UTF-8, without frame headers and before compression. */
  readonly payload_bytes: number
}

/** What went wrong. */
export interface ErrorDetails {
  /** The error that `on_error` gets. */
  readonly error: NetError
}

/** A client that was turned away before it had a connection. */
export interface RefusedEvent<Reason = string> {
  /** Always `'server'`. */
  readonly side: 'server'
  /** Why, as counted in `stats().refused`. */
  readonly reason: Reason
  /**
   * The HTTP status of the response; `undefined` if there was none: TLS failed, the client left, or it was
   * cut off at the limit of connections.
   */
  readonly status: number | undefined
  /** The client's address, as `socket.addr` would be. */
  readonly addr: string
  /** The path of the request, percent-encoded as received; `undefined` if no request could be read. */
  readonly path: string | undefined
}

/** The event type of each channel, by its name without the prefix `bt.net.`. */
export interface ChannelEvents {
  /** A connection has opened; for a client with `reconnect`, each time. */
  readonly open: ConnectionEvent
  /** A connection has ended, or never opened; for a client with `reconnect`, each time. */
  readonly close: ConnectionEvent & CloseDetails
  /** A message has arrived, or was queued by `send`. */
  readonly message: ConnectionEvent & MessageDetails
  /** A message did not fit into the queue, the first since the queue was last empty. */
  readonly queue_full: ConnectionEvent & ErrorDetails
  /** A server turned a client away. */
  readonly refused: RefusedEvent
  /** Something failed; `handle` is `undefined` if it concerns no single connection. */
  readonly error: ConnectionEvent & ErrorDetails
}

/** The names of the channels, without the prefix `bt.net.`. */
export type ChannelName = keyof ChannelEvents

/** A channel to publish events on, such as one of Node's `diagnostics_channel`. */
export interface Channel<Event> {
  /** Whether there are subscribers; if not, no event is created. */
  readonly hasSubscribers: boolean
  /** Calls all subscribers immediately. */
  publish(event: Event): void
}

/** A channel for each kind of event. */
export type EventChannels = { readonly [Name in ChannelName]: Channel<ChannelEvents[Name]> }
