import { Server } from 'node:net'

/** Where an http server listens, unless that is a Unix socket. */
export interface HttpServerAddress {
  /** The IP address. */
  readonly address: string
  /** The port. */
  readonly port: number
}

/**
 * The parts that are used of a shared http or https server of Node, such as `http.createServer()`, `https.createServer()`, what Express's
 * `app.listen()` returns, Fastify's `server`, Vite's `httpServer`.
 */
export interface HttpServerLike {
  /** Whether it is listening already. */
  readonly listening: boolean
  /** Returns where it listens. */
  address(): string | HttpServerAddress | null
  /** Adds a listener. */
  on(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** Removes a listener. */
  off(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** Returns how many listeners an event has. */
  listenerCount(event: 'upgrade'): number
}

/** What `server` has to look like, as the end of the sentence "expected …". */
export const SERVER_EXPECTED =
  "an http or https server of Node's, such as http.createServer() or Express's app.listen() return"

/** Whether a value will do as `server`. One of TCP or TLS alone, which never tells of a request to upgrade, will not: it has no `setTimeout`. */
export function is_http_server(value: unknown): value is HttpServerLike {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Server && !('setTimeout' in value)) return false
  const { on, off, address, listenerCount } = value as Record<string, unknown>
  return [on, off, address, listenerCount].every(method => typeof method === 'function')
}
