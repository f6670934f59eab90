import {
  type BrokerOptions,
  broker_rules,
  client_options_rule,
  describe_type,
  NetError,
  type OptionRules,
  type Pem,
} from '@bt/ws-protocol'

/** What node-redis is told of sockets: what TLS needs, and any other option that `tls.connect` or `net.connect` of Node takes. */
export interface NodeRedisSocket {
  /** Whether to speak TLS, as `rediss://` says as well. */
  readonly tls?: boolean | undefined
  /** The authorities that are trusted, in PEM. */
  readonly ca?: Pem | readonly Pem[] | undefined
  /** The certificate of this side, in PEM. */
  readonly cert?: Pem | undefined
  /** Its key, in PEM. */
  readonly key?: Pem | undefined
  /** The host that the certificate of Redis has to be for. */
  readonly servername?: string | undefined
  /** Any other option. */
  readonly [option: string]: unknown
}

/**
 * The options of node-redis that `redis` takes, in its spelling. The rest is set here: who uses the connection connects again, and knows what it has
 * published.
 */
export interface NodeRedisOptions {
  /** The user; without one it is `default`. */
  readonly username?: string | undefined
  /** The password. */
  readonly password?: string | undefined
  /** A credentials provider of node-redis, for those that change. */
  readonly credentialsProvider?: object | undefined
  /** What sockets are told. */
  readonly socket?: NodeRedisSocket | undefined
  /** What Redis calls the connections in `CLIENT LIST`. */
  readonly name?: string | undefined
  /** What is added to the name of the library there. */
  readonly clientInfoTag?: string | undefined
  /** Whether not to tell Redis of the library. */
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

/** What is told of sockets elsewhere, and where. */
const NOT_OF_SOCKETS: Readonly<Record<string, string>> = {
  host: 'url',
  port: 'url',
  path: 'url',
  connectTimeout: 'connect_timeout',
  reconnectStrategy: 'nothing: the server connects again by itself',
}

/** The options of {@link redis}. */
export interface RedisOptions extends BrokerOptions {
  /**
   * Where Redis is: `'redis://127.0.0.1:6379'`, `'rediss://…'` over TLS, or `'unix:///path/to/socket'`; or a list of nodes of one Redis Cluster, of which
   * any will do. Credentials may stand in it, `redis://user:password@host`. Redis Cluster is recognized.
   */
  url: string | readonly string[]
  /** Options for node-redis, in its spelling. @defaultValue none */
  options?: NodeRedisOptions | undefined
}

const client_rule = client_options_rule('redis', CLIENT_OPTIONS)

/** The rules of {@link RedisOptions}. What stands in `url` is looked at by whoever reads it. */
export const redis_rules: OptionRules<RedisOptions, 'prefix' | 'connect_timeout' | 'url'> = {
  ...broker_rules,
  url: {
    fallback: undefined,
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
    accepts: value => client_rule.accepts(value) && has_no_strange_socket(value as NodeRedisOptions),
  },
}

function has_no_strange_socket({ socket = {} }: NodeRedisOptions): boolean {
  for (const [name, instead] of Object.entries(NOT_OF_SOCKETS)) {
    if (name in socket)
      throw new NetError(
        'invalid_option',
        `redis: options.socket.${name} is not taken; instead there is ${instead}`,
      )
  }
  return true
}
