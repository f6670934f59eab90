import { type BrokerOptions, broker_rules, NetError, type OptionRules } from '@bt/ws-protocol'
import type { RedisClientOptions } from '@redis/client'

/** What `redis` sets itself, or has no use for. */
type SetByUs =
  | 'url'
  | 'RESP'
  | 'readonly'
  | 'disableOfflineQueue'
  | 'commandsQueueMaxLength'
  | 'commandOptions'
  | 'clientSideCache'
  | 'emitInvalidate'
  | 'maintNotifications'
  | 'modules'
  | 'functions'
  | 'scripts'

/** What to do instead. */
const SET_BY_US: Readonly<Record<SetByUs, string>> = {
  url: 'give url beside options',
  RESP: 'leave it out',
  readonly: 'leave it out',
  disableOfflineQueue: 'leave it out',
  commandsQueueMaxLength: 'leave it out',
  commandOptions: 'leave it out',
  clientSideCache: 'leave it out',
  emitInvalidate: 'leave it out',
  maintNotifications: 'leave it out',
  modules: 'leave it out',
  functions: 'leave it out',
  scripts: 'leave it out',
}

/**
 * The options of node-redis that `redis` takes: credentials (`username` and `password`, or `credentialsProvider`), `socket` with what TLS needs,
 * `name` and others, in their own spelling.
 */
export type RedisOwnOptions = Omit<RedisClientOptions, SetByUs>

/** The options of {@link redis}. */
export interface RedisOptions extends BrokerOptions {
  /**
   * Where Redis is: `'redis://127.0.0.1:6379'`, `'rediss://…'` over TLS, or `'unix:///path/to/socket'`; or a list of nodes of one Redis Cluster, of which
   * any will do. Credentials may stand in it, `redis://user:password@host`. Redis Cluster is recognized.
   */
  url: string | readonly string[]
  /** Options for node-redis, in its spelling. @defaultValue none */
  options?: RedisOwnOptions | undefined
}

/** The rules of {@link RedisOptions}. What stands in `url` is looked at by whoever reads it. */
export const redis_rules: OptionRules<RedisOptions, 'prefix' | 'connect_timeout' | 'url'> = {
  ...broker_rules,
  url: {
    fallback: undefined,
    is_required: true,
    is_secret: true,
    expects: "where Redis is, such as 'redis://127.0.0.1:6379', or a list of such texts",
    accepts: value =>
      Array.isArray(value)
        ? value.length > 0 && value.every(url => typeof url === 'string')
        : typeof value === 'string',
  },
  options: {
    fallback: undefined,
    is_secret: true,
    expects: 'an object of options of node-redis',
    accepts: value => typeof value === 'object' && value !== null && !sets_ours(value as RedisOwnOptions),
  },
}

function sets_ours(options: RedisOwnOptions): boolean {
  for (const [name, instead] of Object.entries(SET_BY_US)) if (name in options) throw is_ours(name, instead)
  const { socket = {} } = options
  if ('reconnectStrategy' in socket) throw is_ours('socket.reconnectStrategy', 'leave it out')
  if ('connectTimeout' in socket)
    throw is_ours('socket.connectTimeout', 'give connect_timeout beside options')
  return false
}

function is_ours(name: string, instead: string): NetError {
  return new NetError('invalid_option', `redis: options.${name} is set by redis itself: ${instead}`)
}
