import { NetError, type Pem } from '@bt/ws-protocol'
import { type BrokerOptions, broker_rules, client_options_rule } from '@bt/ws-protocol/broker'
import { describe_type, type OptionRules } from '@bt/ws-protocol/internal'

/**
 * Socket options of node-redis: those of TLS, and any other of `tls.connect` or `net.connect` of Node, except
 * the address.
 */
export interface NodeRedisSocket {
  /** Whether to speak TLS, in agreement with `rediss://` or `redis://`. */
  readonly tls?: boolean | undefined
  /** The authorities to trust, in PEM. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The client certificate, in PEM. */
  readonly cert?: Pem | undefined
  /** The key of the client certificate, in PEM. */
  readonly key?: Pem | undefined
  /** The host that the certificate of Redis has to match. */
  readonly servername?: string | undefined
  /** Any other option. */
  readonly [option: string]: unknown
}

/**
 * Options of node-redis that `redis` accepts, in its spelling. `redis` sets the remaining ones itself,
 * because the server reconnects on its own and keeps track of its messages.
 */
export interface NodeRedisOptions {
  /** The user; `default` if left out. */
  readonly username?: string | undefined
  /** The password. */
  readonly password?: string | undefined
  /** A credentials provider of node-redis, for credentials that change. */
  readonly credentialsProvider?: object | undefined
  /** Options of the sockets. */
  readonly socket?: NodeRedisSocket | undefined
  /** The name of the connections in `CLIENT LIST`. */
  readonly name?: string | undefined
  /** A tag that `CLIENT LIST` shows behind the name of the library. */
  readonly clientInfoTag?: string | undefined
  /** Whether to hide the library from Redis. */
  readonly disableClientInfo?: boolean | undefined
  /** How often to ping, in milliseconds. */
  readonly pingInterval?: number | undefined
}

const CLIENT_OPTIONS: Readonly<Record<keyof NodeRedisOptions, true>> = {
  username: true,
  password: true,
  credentialsProvider: true,
  socket: true,
  name: true,
  clientInfoTag: true,
  disableClientInfo: true,
  pingInterval: true,
}

/** Options of sockets that {@link RedisOptions} covers, each with what to use instead. */
const REPLACED_SOCKET_OPTIONS: Readonly<Record<string, string>> = {
  host: 'url',
  port: 'url',
  path: 'url',
  connectTimeout: 'connect_timeout',
  reconnectStrategy: 'nothing: the server connects again by itself',
}

/** Options of {@link redis}. */
export interface RedisOptions extends BrokerOptions {
  /**
   * The address of Redis: `'redis://127.0.0.1:6379'`, `'rediss://…'` over TLS, or `'unix:///path/to/socket'`;
   * or a list of nodes of one Redis Cluster, any of which will do. It may contain credentials,
   * `redis://user:password@host`. A Redis Cluster is recognized by itself.
   */
  url: string | readonly string[]
  /** Options for node-redis, in its spelling. @defaultValue none */
  options?: NodeRedisOptions | undefined
}

const client_rule = client_options_rule('redis', CLIENT_OPTIONS)

/** The rules of {@link RedisOptions}. They check only the type of `url`; `parse_seed` checks each address. */
export const redis_rules: OptionRules<RedisOptions, 'prefix' | 'connect_timeout' | 'url'> = {
  ...broker_rules,
  url: {
    is_required: true,
    shown: describe_type,
    expects: "where Redis is, such as 'redis://127.0.0.1:6379', or a list of such texts",
    accepts: value =>
      Array.isArray(value)
        ? value.length > 0 && value.every(url => typeof url === 'string')
        : typeof value === 'string',
  },
  options: {
    ...client_rule,
    accepts: value => client_rule.accepts(value) && check_socket_options(value as NodeRedisOptions),
  },
}

function check_socket_options({ socket = {} }: NodeRedisOptions): boolean {
  for (const [name, instead] of Object.entries(REPLACED_SOCKET_OPTIONS)) {
    if (name in socket)
      throw new NetError(
        'invalid_option',
        `redis: options.socket.${name} is not taken; instead there is ${instead}`,
      )
  }
  return true
}
