import { type BrokerOptions, broker_rules, NetError, type OptionRules } from '@bt/ws-protocol'
import type { NodeConnectionOptions } from '@nats-io/transport-node'

/** What `nats` sets itself: the server that uses it connects again, and knows what it has published. */
type SetByUs =
  | 'servers'
  | 'port'
  | 'noEcho'
  | 'timeout'
  | 'ignoreClusterUpdates'
  | 'ignoreAuthErrorAbort'
  | 'waitOnFirstConnect'
  | 'maxReconnectAttempts'
  | 'reconnect'
  | 'reconnectDelayHandler'
  | 'reconnectJitter'
  | 'reconnectJitterTLS'
  | 'reconnectTimeWait'
  | 'reconnectToServer'

/** What to do instead. */
const SET_BY_US: Readonly<Record<SetByUs, string>> = {
  servers: 'give servers beside options',
  port: 'give servers beside options',
  noEcho: 'leave it out',
  timeout: 'give connect_timeout beside options',
  ignoreClusterUpdates: 'list all servers in servers',
  ignoreAuthErrorAbort: 'leave it out',
  waitOnFirstConnect: 'leave it out',
  maxReconnectAttempts: 'leave it out',
  reconnect: 'leave it out',
  reconnectDelayHandler: 'leave it out',
  reconnectJitter: 'leave it out',
  reconnectJitterTLS: 'leave it out',
  reconnectTimeWait: 'leave it out',
  reconnectToServer: 'leave it out',
}

/**
 * The options of NATS's own client that `nats` takes: credentials (`user` and `pass`, `token`, or `authenticator` for NKeys, JWTs and creds files),
 * `tls`, `name`, `pingInterval` and others, in their own spelling.
 */
export type NatsClientOptions = Omit<NodeConnectionOptions, SetByUs>

/** The options of {@link nats}. */
export interface NatsOptions extends BrokerOptions {
  /**
   * Where NATS is: `'nats://127.0.0.1:4222'`, or a list of servers of one NATS cluster, of which any will do. The scheme may be left out, and the port
   * where it is 4222; `tls://` insists on TLS, which is used anyway where the server asks for it. Credentials may stand in it,
   * `nats://user:password@host` or `nats://token@host`, the same in each.
   */
  servers: string | readonly string[]
  /** Options for NATS's own client, in its spelling. @defaultValue none */
  options?: NatsClientOptions | undefined
}

/** The rules of {@link NatsOptions}. What stands in `servers` is looked at by whoever reads it. */
export const nats_rules: OptionRules<NatsOptions, 'prefix' | 'connect_timeout' | 'servers'> = {
  ...broker_rules,
  servers: {
    fallback: undefined,
    is_required: true,
    is_secret: true,
    expects: "where NATS is, such as 'nats://127.0.0.1:4222', or a list of such texts",
    accepts: value =>
      Array.isArray(value)
        ? value.length > 0 && value.every(server => typeof server === 'string')
        : typeof value === 'string',
  },
  options: {
    fallback: undefined,
    is_secret: true,
    expects: "an object of options of NATS's own client",
    accepts: value => typeof value === 'object' && value !== null && !sets_ours(value),
  },
}

function sets_ours(options: object): boolean {
  for (const [name, instead] of Object.entries(SET_BY_US)) {
    if (name in options)
      throw new NetError('invalid_option', `nats: options.${name} is set by nats itself: ${instead}`)
  }
  return false
}
