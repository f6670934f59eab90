import { type IncomingMessage, request as request_http } from 'node:http'
import { request as request_https } from 'node:https'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { NetError } from '@bt/ws-protocol'
import { error_text, type SystemError } from '@bt/ws-protocol/internal/node'
import { type Hop, opening_error } from '../errors/opening_error.js'
import { proxy_hop, proxy_refused } from './proxy_error.js'
import type { HttpProxy } from './proxy_settings.js'

/** Where a tunnel leads. */
export interface TunnelTarget {
  readonly host: string
  readonly port: number
  /** The time for each address of the proxy, in milliseconds. */
  readonly autoSelectFamilyAttemptTimeout: number
  /** The URL to show in errors. */
  readonly shown: string
}

/** A tunnel that is being opened. */
export interface OpeningTunnel {
  /** Stops opening it, or ends it. */
  destroy(): unknown
}

/**
 * Asks a proxy for a tunnel to a server (RFC 9110 §9.3.6), also for a URL without TLS (RFC 6455 §4.1). Calls
 * back with its stream, or with the error for the user.
 */
export function open_tunnel(
  { url, authorization }: HttpProxy,
  target: TunnelTarget,
  done: (error: NetError | null, stream?: Duplex) => void,
): OpeningTunnel {
  const hop = proxy_hop(url, target.shown)
  const is_secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const authority = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`
  const options = {
    host,
    port: url.port || (is_secure ? 443 : 80),
    autoSelectFamilyAttemptTimeout: target.autoSelectFamilyAttemptTimeout,
    agent: false,
    method: 'CONNECT',
    path: authority,
    headers: {
      Host: authority,
      ...(authorization === undefined ? {} : { 'Proxy-Authorization': authorization }),
    },
    // Otherwise Node would ask for the host of the header.
    ...(is_secure ? { servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] } : {}),
  }
  const request = (is_secure ? request_https : request_http)(options)
  let stage: 'connecting' | 'securing' | 'ready' = 'connecting'
  request.once('socket', socket => {
    socket.once('connect', () => {
      stage = is_secure ? 'securing' : 'ready'
    })
    socket.once('secureConnect', () => {
      stage = 'ready'
    })
  })
  request.once('connect', (response: IncomingMessage, stream: Duplex, head: Buffer) => {
    const { statusCode = 0 } = response
    if (statusCode >= 200 && statusCode < 300) {
      // What the server has already said.
      if (head.length > 0) stream.unshift(head)
      done(null, stream)
    } else {
      stream.destroy()
      done(proxy_refused(hop, response))
    }
  })
  request.on('error', error => done(stage === 'securing' ? tls_error(hop, error) : opening_error(hop, error)))
  request.end()
  return request
}

function tls_error({ shown }: Hop, cause: SystemError): NetError {
  const message = `connect: ${shown} failed in TLS: ${cause.code ?? cause.name}: ${error_text(cause)}; check its certificate (NODE_EXTRA_CA_CERTS adds your own authorities), or whether its URL has to begin with http:`
  return new NetError('tls_failed', message, { cause })
}
