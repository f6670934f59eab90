import { createServer, type Server as HttpServer, type ServerOptions } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Platform } from '../../connection/platform.js'
import { node_platform } from './platform.js'

/** Where a client connects to on the network: a port of a host, or a Unix socket. */
export type NetworkAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** What servers and clients need from the machine: time, and a network. */
export interface Environment {
  readonly platform: Platform
  /** Whether connections can use TLS. If not, the options of TLS are checked, but not used. */
  readonly has_tls: boolean
  /** Creates an http server that does not listen yet. */
  create_http_server(options: ServerOptions): HttpServer
  /**
   * Connects to a server in this environment; `client` returns the client once it exists. Left out if this is
   * the real network.
   */
  connect?(address: NetworkAddress, client: () => object): Duplex
  /** Tells which socket a server has made of a client's stream. Left out if nobody asks. */
  accepted?(stream: Duplex, socket: object): void
}

/** The machine itself. */
export const node_environment: Environment = {
  platform: node_platform,
  has_tls: true,
  create_http_server: options => createServer(options),
}

/** The environments of the networks that were made for tests. */
const environments = new WeakMap<object, Environment>()

/** Lets the option `network` name an environment. */
export function register_network(network: object, environment: Environment): void {
  environments.set(network, environment)
}

/** Returns the environment of the option `network`; without that option, the machine itself. */
export function environment_of(network: object | undefined): Environment {
  return (network && environments.get(network)) ?? node_environment
}

/** Whether a value is a network that was made for tests. */
export function is_network(value: unknown): value is object {
  return typeof value === 'object' && value !== null && environments.has(value)
}
