/** Where an http server listens, if it is not on a Unix socket. */
export interface HttpServerAddress {
  /** The IP address. */
  readonly address: string
  /** The port. */
  readonly port: number
}

/**
 * What is used of an http or https server of Node's that is shared: `http.createServer()`, `https.createServer()`, what Express's `app.listen()`
 * returns, Fastify's `server`, Vite's `httpServer`.
 */
export interface HttpServerLike {
  /** Whether it listens already. */
  readonly listening: boolean
  /** Where it listens. */
  address(): string | HttpServerAddress | null
  /** Registers a listener. */
  on(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** Takes a listener away. */
  off(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** How many listen for an event. */
  listenerCount(event: 'upgrade'): number
}

/** What `server` has to look like, as the end of the sentence "expected …". */
export const SERVER_EXPECTED =
  "an http or https server of Node's, such as http.createServer() or Express's app.listen() return"

/** Whether a value will do as `server`. */
export function is_http_server(value: unknown): value is HttpServerLike {
  if (typeof value !== 'object' || value === null) return false
  const { on, off, address, listenerCount } = value as Record<string, unknown>
  return [on, off, address, listenerCount].every(method => typeof method === 'function')
}
