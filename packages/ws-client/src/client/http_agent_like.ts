/**
 * What the types of every `http.Agent` and `https.Agent` of Node have in common, so that these types need none
 * of Node.
 */
export interface HttpAgentLike {
  /** How many sockets it may have open for one host. */
  readonly maxSockets: number
  /** The sockets in use, by host. */
  readonly sockets: object
  /** Destroys the sockets that it holds. */
  destroy(): void
}
