import { Server } from 'node:net'

/** The TCP address that an http server listens on. */
export interface HttpServerAddress {
  /** The IP address. */
  readonly address: string
  /** The port. */
  readonly port: number
}

/**
 * The parts that are used of a shared http or https server of Node, such as `http.createServer()`,
 * `https.createServer()`, what Express's `app.listen()` returns, Fastify's `server`, Vite's `httpServer`.
 */
export interface HttpServerLike {
  /** Whether it is listening already. */
  readonly listening: boolean
  /** Returns the address that it listens on. */
  address(): string | HttpServerAddress | null
  /** Adds a listener. */
  on(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** Removes a listener. */
  off(event: 'upgrade' | 'listening', listener: (...args: unknown[]) => void): unknown
  /** Returns the number of listeners of an event. */
  listenerCount(event: 'upgrade'): number
}

/** Describes a valid `server`, as the end of the sentence "expected …". */
export const SERVER_EXPECTED =
  "an http or https server of Node's, such as http.createServer() or Express's app.listen() return"

/**
 * Returns whether a value is valid as `server`. A plain TCP or TLS server is not, because it never emits
 * `upgrade`; unlike an http server, it has no `setTimeout`.
 */
export function is_http_server(value: unknown): value is HttpServerLike {
  if (typeof value !== 'object' || value === null) return false
  if (value instanceof Server && !('setTimeout' in value)) return false
  const { on, off, address, listenerCount } = value as Record<string, unknown>
  return [on, off, address, listenerCount].every(method => typeof method === 'function')
}
