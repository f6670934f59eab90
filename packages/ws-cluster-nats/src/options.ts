import { type BrokerOptions, broker_rules, client_options_rule } from '@bt/ws-protocol/broker'
import { describe_type, type OptionRules } from '@bt/ws-protocol/internal'

/**
 * What an authenticator of NATS returns, in its spelling: nothing, a token, a user, an NKey, or a JWT.
 */
export type NatsCredentials =
  // biome-ignore lint/suspicious/noConfusingVoidType: NATS's own type has it
  | void
  | {
      /** A token. */
      auth_token: string
    }
  | {
      /** A user. */
      user: string
      /** The password of the user. */
      pass?: string
    }
  | {
      /** The public key of an NKey. */
      nkey: string
      /** The signature of the nonce, in base64. */
      sig: string
    }
  | {
      /** The JWT of a user. */
      jwt: string
      /** The public key of the user's NKey, unless the JWT is a bearer token. */
      nkey?: string
      /** The signature of the nonce, in base64. */
      sig?: string
    }

/** Returns the credentials of a connection, which may sign the `nonce` of the server. */
export type NatsAuthenticator = (nonce?: string) => NatsCredentials

/** TLS settings of NATS's own client, in its spelling: texts in PEM, or paths of files with them. */
export interface NatsTlsOptions {
  /** Whether TLS comes before the greeting of the server, which has to be configured for that. */
  handshakeFirst?: boolean
  /** The certificate of this client. */
  cert?: string
  /** The file of the certificate. */
  certFile?: string
  /** The authorities to trust. */
  ca?: string
  /** The file of the authorities. */
  caFile?: string
  /** The key of the certificate. */
  key?: string
  /** The file of the key. */
  keyFile?: string
}

/**
 * Options of NATS's own client that `nats` accepts, in its spelling; it documents them. `nats` sets the
 * remaining ones itself, because the server reconnects on its own and keeps track of its messages. The types
 * of the client itself do not compile with `exactOptionalPropertyTypes`, so these are written out.
 */
export interface NatsClientOptions {
  /** For NKeys, JWTs and credentials files, from NATS's own functions such as `credsAuthenticator`. */
  authenticator?: NatsAuthenticator | NatsAuthenticator[]
  /** The user. */
  user?: string
  /** The password of the user. */
  pass?: string
  /** A token, instead of a user. */
  token?: string
  /** `null` forbids TLS. */
  tls?: NatsTlsOptions | null
  /** The name of the connection, which NATS shows. */
  name?: string
  /** Whether to keep the order of several servers. */
  noRandomize?: boolean
  /** Whether to look up all addresses of a host name. */
  resolve?: boolean
  /** How often to ping, in milliseconds. */
  pingInterval?: number
  /** How many pings may be unanswered. */
  maxPingOut?: number
  /** Whether to print the protocol. */
  debug?: boolean
}

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
