import { NetError } from '@bt/ws-protocol'
import { describe_url, describe_value } from '@bt/ws-protocol/internal'
import { RedisClient, type RedisClientOptions } from '@redis/client'
import type { NodeRedisOptions } from './options.js'

export type SocketOptions = NonNullable<RedisClientOptions['socket']>

export type ClientOptions = RedisClientOptions & { readonly socket: SocketOptions }

/** A server of Redis from the option `url`. */
export interface Seed {
  /** The address to show in errors, without credentials. */
  readonly address: string
  readonly options: ClientOptions
}

/**
 * Parses an entry of the option `url`.
 *
 * @throws NetError `invalid_option`, which shows the URL without its credentials
 */
export function parse_seed(url: string, given: NodeRedisOptions): Seed {
  const { socket, ...parsed } = parse(url)
  const {
    host = '',
    port = 6379,
    path,
    tls,
  } = socket as { host?: string; port?: number; path?: string; tls: boolean }
  if (path === undefined && host === '') throw invalid_url(url)
  const given_tls = given.socket?.tls
  if (given_tls !== undefined && given_tls !== tls)
    throw invalid_option(
      `options.socket.tls is ${describe_value(given_tls)}, and ${describe_url(url)} says otherwise: write ${given_tls ? 'rediss' : 'redis'}://`,
    )
  const is_given_twice = parsed.credentialsProvider !== undefined && has_credentials(given)
  if (is_given_twice)
    throw invalid_option('the credentials in url stand beside others in options: give them once')
  return {
    address: path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`,
    options: { ...given, ...parsed, socket: { ...given.socket, ...socket } } as ClientOptions,
  }
}

function parse(url: string): ClientOptions {
  // The client ignores the query and the fragment, which may be the rest of a password that contains a ? or a
  // #.
  if (!url.startsWith('unix:') && /[?#]/.test(url)) throw invalid_url(url)
  try {
    return RedisClient.parseURL(url) as ClientOptions
  } catch {
    // The client's error shows the whole URL, including credentials.
    throw invalid_url(url)
  }
}

function has_credentials({ username, password, credentialsProvider }: NodeRedisOptions): boolean {
  return username !== undefined || password !== undefined || credentialsProvider !== undefined
}

function invalid_url(url: string): NetError {
  return invalid_option(
    `the option url has ${describe_url(url)}; expected one like 'redis://127.0.0.1:6379', 'rediss://redis.example' or 'unix:///run/redis.sock', and credentials in it percent-encoded`,
  )
}

function invalid_option(message: string): NetError {
  return new NetError('invalid_option', `redis: ${message}`)
}
