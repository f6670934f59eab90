/** What servers of a cluster send to one of them alone. */
export interface NodeLink {
  /** The identifier of this server, as 16 bytes. */
  readonly node: Uint8Array
  /** The most bytes that {@link NodeLink.send} takes. */
  readonly max_bytes: number
  /** Whether a server with that identifier is known to be running. */
  knows(node: string): boolean
  /** Sends bytes to one server. Without a connection to the broker, they are dropped. */
  send(node: string, bytes: Uint8Array): void
  /** Sets the receiver of what other servers send to this one. */
  receive(events: NodeLinkEvents): void
}

/** The events of a {@link NodeLink}. */
export interface NodeLinkEvents {
  /** A server has sent bytes to this one. */
  received(node: string, bytes: Uint8Array): void
  /** A server has left, or was silent for too long. */
  left(node: string): void
  /** The broker was lost: what was on its way may not arrive. */
  lost(): void
}
