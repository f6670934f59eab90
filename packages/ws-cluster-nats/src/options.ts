import { type BrokerOptions, broker_rules, client_options_rule } from '@bt/ws-protocol/broker'
import { describe_type, type OptionRules } from '@bt/ws-protocol/internal'
import type { NodeConnectionOptions } from '@nats-io/transport-node'

/**
 * Options of NATS's own client that `nats` accepts, in its spelling: credentials (`user` and `pass`, `token`,
 * or an `authenticator` for NKeys, JWTs and credentials files), `tls`, and a few others. `nats` sets the
 * remaining ones itself, because the server reconnects on its own and keeps track of its messages.
 */
export type NatsClientOptions = Pick<
  NodeConnectionOptions,
  | 'authenticator'
  | 'user'
  | 'pass'
  | 'token'
  | 'tls'
  | 'name'
  | 'noRandomize'
  | 'resolve'
  | 'pingInterval'
  | 'maxPingOut'
  | 'debug'
>

const CLIENT_OPTIONS: Readonly<Record<keyof NatsClientOptions, true>> = {
  authenticator: true,
  user: true,
  pass: true,
  token: true,
  tls: true,
  name: true,
  noRandomize: true,
  resolve: true,
  pingInterval: true,
  maxPingOut: true,
  debug: true,
}

/** Options of {@link nats}. */
export interface NatsOptions extends BrokerOptions {
  /**
   * The address of NATS: `'nats://127.0.0.1:4222'`, or a list of servers of one NATS cluster, any of which
   * will do. The scheme may be left out, and so may the port 4222; `tls://` insists on TLS, which is used
   * anyway if the server asks for it. It may contain credentials, `nats://user:password@host` or
   * `nats://token@host`, the same in each.
   */
  servers: string | readonly string[]
  /** Options for NATS's own client, in its spelling. @defaultValue none */
  options?: NatsClientOptions | undefined
}

/**
 * The rules of {@link NatsOptions}. They check only the type of `servers`; `parse_server` checks each
 * address.
 */
export const nats_rules: OptionRules<NatsOptions, 'prefix' | 'connect_timeout' | 'servers'> = {
  ...broker_rules,
  servers: {
    is_required: true,
    shown: describe_type,
    expects: "where NATS is, such as 'nats://127.0.0.1:4222', or a list of such texts",
    accepts: value =>
      Array.isArray(value)
        ? value.length > 0 && value.every(server => typeof server === 'string')
        : typeof value === 'string',
  },
  options: client_options_rule('nats', CLIENT_OPTIONS),
}
