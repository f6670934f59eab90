import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connect_tls, type ConnectionOptions as SecureSettings } from 'node:tls'
import { NetError } from '@bt/ws-protocol'
import type { NetworkAddress } from '@bt/ws-protocol/internal/node'
import { type Hop, opening_error } from './errors/opening_error.js'
import { agent_error, agent_hop, not_tunnelled, proxy_hop, proxy_refused } from './proxy/proxy_error.js'
import type { HttpProxy } from './proxy/proxy_settings.js'
import { type OpeningTunnel, open_tunnel } from './proxy/proxy_tunnel.js'
import { watch_tls } from './tls_error.js'

/** How to reach a server. Everything is left out for a direct connection without TLS. */
export interface Route {
  /** The settings of TLS, which does not end before the server. */
  readonly secure?: SecureSettings | undefined
  /** What connects, unless there is a proxy. */
  readonly agent?: Agent | undefined
  /** The proxy that opens a tunnel to the server. */
  readonly proxy?: HttpProxy | undefined
  /** Connects to another network than the machine's. */
  readonly connect_stream?: (address: NetworkAddress) => Duplex
}

/** The server at the end of a route. */
export interface Destination {
  /** The URL to show in errors. */
  readonly shown: string
  /** The path of its Unix socket, if it listens on one. */
  readonly unix_path: string | undefined
  /** The time for each of its addresses, or of those of its proxy, in milliseconds. */
  readonly address_timeout_ms: number
}

type Connected = (error: Error | null, stream?: Duplex) => void

/** The stream to a server until it is open: made directly, by an agent, or through a proxy. */
export class OpeningStream {
  readonly #route: Route
  readonly #destination: Destination
  readonly #server: Hop
  #stream: Duplex | undefined
  #tunnel: OpeningTunnel | undefined
  #tls_failure: ((error: Error) => NetError | undefined) | undefined
  /** The status with which the proxy of an agent refused. */
  #refused_status: number | undefined

  constructor(route: Route, destination: Destination) {
    this.#route = route
    this.#destination = destination
    this.#server = { kind: 'server', shown: destination.shown }
  }

  /** The options of the request that decide about its stream. */
  get request_options(): object {
    const { agent, proxy, secure } = this.#route
    if (agent === undefined || proxy !== undefined)
      return {
        createConnection: (address: { host?: string; port?: string | number }, connected: Connected) =>
          this.#connect(address.host ?? '', Number(address.port), connected),
      }
    const { address_timeout_ms } = this.#destination
    return { ...secure, agent, autoSelectFamilyAttemptTimeout: address_timeout_ms }
  }

  /** Watches the request that uses the stream, before it is sent. */
  watch(request: ClientRequest): void {
    request.once('socket', stream => this.#use(stream))
    // Agents of the package proxy-agents report the answer of the proxy. If it is a refusal, they also let it
    // appear as the answer of the server.
    request.on('proxyConnect', ({ statusCode }: IncomingMessage) => {
      if (statusCode !== 200) this.#refused_status = statusCode
    })
  }

  /** The error that destroyed the stream. */
  get errored(): Error | undefined {
    return this.#stream?.errored ?? undefined
  }

  /** The name of the proxy that has not made the stream yet, if there is one. */
  get pending_proxy(): string | undefined {
    const { agent, proxy } = this.#route
    const { shown } = this.#destination
    if (this.#stream !== undefined) return undefined
    if (proxy !== undefined) return proxy_hop(proxy.url, shown).shown
    return agent && agent_hop(agent, shown).shown
  }

  /** Stops connecting, or ends the connection. */
  destroy(): void {
    this.#tunnel?.destroy()
    this.#stream?.destroy()
  }

  /** Explains why the server could not be reached, or gave no answer. */
  explain(error: Error): NetError {
    if (error instanceof NetError) return error
    const { agent } = this.#route
    if (agent !== undefined && this.#stream === undefined)
      return agent_error(agent, this.#destination.shown, error)
    return this.#tls_failure?.(error) ?? opening_error(this.#server, error)
  }

  /** Makes the error for a response if an agent is why it is no handshake, and not the server. */
  proxy_refusal(request: ClientRequest, response: IncomingMessage): NetError | undefined {
    const { agent } = this.#route
    if (agent === undefined) return undefined
    const hop = agent_hop(agent, this.#destination.shown)
    if (response.statusCode === (this.#refused_status ?? 407)) return proxy_refused(hop, response)
    // A request for a proxy has an absolute path (RFC 9112 §3.2.2).
    return request.path.startsWith('/') ? undefined : not_tunnelled(hop, response)
  }

  #connect(host: string, port: number, connected: Connected): Duplex | undefined {
    const { secure, proxy, connect_stream = connect } = this.#route
    const { unix_path, shown, address_timeout_ms } = this.#destination
    const address = { host, port, autoSelectFamilyAttemptTimeout: address_timeout_ms }
    if (proxy === undefined) {
      const place = unix_path === undefined ? address : { path: unix_path }
      return this.#use(secure === undefined ? connect_stream(place) : connect_tls({ ...secure, ...place }))
    }
    this.#tunnel = open_tunnel(proxy, { ...address, shown }, (error, tunnel) => {
      if (tunnel === undefined) return connected(error)
      connected(null, this.#use(secure === undefined ? tunnel : connect_tls({ ...secure, socket: tunnel })))
    })
    return undefined
  }

  #use(stream: Duplex): Duplex {
    if (this.#stream === stream) return stream
    this.#stream = stream
    const { secure } = this.#route
    if (secure !== undefined) this.#tls_failure = watch_tls(stream, this.#destination.shown, secure)
    return stream
  }
}
