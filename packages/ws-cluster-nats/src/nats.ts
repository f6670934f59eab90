import { NetError } from '@bt/ws-protocol'
import { broker_name, type ClusterPort } from '@bt/ws-protocol/broker'
import { check_options } from '@bt/ws-protocol/internal'
import { NatsPort } from './nats_port.js'
import { type NatsClientOptions, type NatsOptions, nats_rules } from './options.js'
import { type Credentials, parse_server } from './server_address.js'

/**
 * Makes a broker for the option `cluster` of `listen`, to connect servers through NATS. It does not connect;
 * the server does that.
 *
 * @throws NetError `invalid_option` if an option is wrong; it shows no credentials
 */
export function nats(options: NatsOptions): ClusterPort {
  const {
    servers,
    prefix,
    connect_timeout,
    options: client_options = {},
  } = check_options('nats', options, nats_rules)
  const parsed = [servers].flat().map(parse_server)
  const addresses = parsed.map(({ address }) => address)
  return new NatsPort(broker_name('NATS', addresses), prefix, {
    ...client_options,
    ...same_credentials(
      parsed.map(({ credentials }) => credentials),
      client_options,
    ),
    ...(parsed.some(({ is_tls }) => is_tls) ? with_tls(client_options) : {}),
    servers: addresses,
    timeout: connect_timeout,
  })
}

/**
 * Returns the credentials in `servers`, which have to be the same in each: NATS's client takes one kind for
 * all servers.
 */
function same_credentials(
  found: readonly (Credentials | undefined)[],
  given: NatsClientOptions,
): Credentials | undefined {
  const [first, ...others] = found.filter(credentials => credentials !== undefined)
  if (first === undefined) return undefined
  const conflict = others.some(other => JSON.stringify(other) !== JSON.stringify(first))
    ? 'differ: a connection has one kind; write the same in each, or give them in options'
    : (['user', 'pass', 'token', 'authenticator'] as const).some(name => given[name] !== undefined)
      ? 'stand beside others in options: give them once'
      : undefined
  if (conflict === undefined) return first
  throw new NetError('invalid_option', `nats: the credentials in servers ${conflict}`)
}

/** Turns TLS on. NATS's client ignores the scheme, and connects without TLS unless it gets TLS options. */
function with_tls({ tls = {} }: NatsClientOptions): NatsClientOptions {
  if (tls !== null) return { tls }
  throw new NetError(
    'invalid_option',
    'nats: servers asks for TLS with tls://, and options.tls is null, which forbids it: take one away',
  )
}
