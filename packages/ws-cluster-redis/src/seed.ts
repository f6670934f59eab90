import { NetError } from '@bt/ws-protocol'
import { describe_url, describe_value } from '@bt/ws-protocol/internal'
import { RedisClient, type RedisClientOptions } from '@redis/client'
import type { NodeRedisOptions } from './options.js'

/** What node-redis is told of a socket. */
export type SocketOptions = NonNullable<RedisClientOptions['socket']>

/** What node-redis is told. */
export type ClientOptions = RedisClientOptions & { readonly socket: SocketOptions }

/** A server of Redis that is asked first. */
export interface Seed {
  /** Where it is, for people. */
  readonly address: string
  /** What node-redis is told to connect to it. */
  readonly options: ClientOptions
}

/**
 * Reads where Redis is.
 *
 * @throws NetError `invalid_option`, with what was given but for credentials
 */
export function parse_seed(url: string, given: NodeRedisOptions): Seed {
  const { socket, ...parsed } = parse(url)
  const {
    host = '',
    port = 6379,
    path,
    tls,
  } = socket as { host?: string; port?: number; path?: string; tls: boolean }
  if (path === undefined && host === '') throw bad_url(url)
  const given_tls = given.socket?.tls
  if (given_tls !== undefined && given_tls !== tls)
    throw invalid(
      `options.socket.tls is ${describe_value(given_tls)}, and ${describe_url(url)} says otherwise: write ${given_tls ? 'rediss' : 'redis'}://`,
    )
  const is_known_twice = parsed.credentialsProvider !== undefined && knows_credentials(given)
  if (is_known_twice) throw invalid('the credentials in url stand beside others in options: give them once')
  return {
    address: path ?? `${host.includes(':') ? `[${host}]` : host}:${port}`,
    options: { ...given, ...parsed, socket: { ...given.socket, ...socket } } as ClientOptions,
  }
}

function parse(url: string): ClientOptions {
  // The client leaves out what comes behind the place, though it may be what comes behind a # in a password.
  if (!url.startsWith('unix:') && /[?#]/.test(url)) throw bad_url(url)
  try {
    return RedisClient.parseURL(url) as ClientOptions
  } catch {
    // The error holds the URL with all that is in it.
    throw bad_url(url)
  }
}

function knows_credentials({ username, password, credentialsProvider }: NodeRedisOptions): boolean {
  return username !== undefined || password !== undefined || credentialsProvider !== undefined
}

function bad_url(url: string): NetError {
  return invalid(
    `the option url has ${describe_url(url)}; expected one like 'redis://127.0.0.1:6379', 'rediss://redis.example' or 'unix:///run/redis.sock', and credentials in it percent-encoded`,
  )
}

function invalid(message: string): NetError {
  return new NetError('invalid_option', `redis: ${message}`)
}
