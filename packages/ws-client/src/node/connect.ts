import { type MessageData, NetError } from '@bt/ws-protocol'
import { check_options, describe_cause, guard_names } from '@bt/ws-protocol/internal'
import { allow_many_listeners, type NetworkAddress, select_environment } from '@bt/ws-protocol/internal/node'
import { is_constant } from '../client/attempt.js'
import type { AttemptOptions } from '../client/attempt_options.js'
import { Client } from '../client/client.js'
import type { WsConnectOptions } from '../client/options.js'
import type { SocketSource } from '../client/socket_source.js'
import type { WsClient } from '../client/ws_client.js'
import { monitor_callbacks } from './monitored_clients.js'
import { network_watch } from './network_watch.js'
import { open_socket } from './open_socket.js'
import type { Route } from './opening_stream.js'
import { node_rules } from './options.js'
import { checked_agent } from './proxy/agent.js'
import { find_proxy } from './proxy/proxy_settings.js'
import { read_refusal } from './refusal_hint.js'
import { secure_settings, tls_settings } from './secure_settings.js'

// Browsers do without: there, an assignment to a frozen handle throws anyway, and code has to be small.
guard_names(
  Client.prototype,
  ['on_open', 'on_connect', 'on_message', 'on_close', 'on_error', 'on_reconnecting'],
  'call on_open(fn), on_message(fn), on_close(fn) or on_error(fn)',
)

/** What to write for the options of other libraries, and for those of `listen`. */
const HINTS: Readonly<Record<string, string>> = {
  address: "give url: 'ws://host:port/path'",
  addr: "give url: 'ws://host:port/path'",
  bind: "give url: 'ws://host:port/path'; listen has bind",
  host: "give url: 'ws://host:port/path'",
  port: "give url: 'ws://host:port/path'",
  route: 'put the path into url; listen has route',
  path: "put the path into url, such as 'ws://host:port/path'",
  on_connect: 'give on_open',
  authorize: 'it is an option of listen: servers authorize',
  max_message: 'give max_payload, in bytes',
  reconnectInterval: 'give reconnect: { min_delay, max_delay }, in milliseconds',
  origins: 'it is an option of listen; a client sends headers: { Origin }',
}

/**
 * Connects to a WebSocket server, and returns the client at once. Messages sent before the connection is open
 * wait in the bounded queue, and received ones until something takes them; register `on_open` and `on_error`
 * in the same turn.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function connect(options: WsConnectOptions): WsClient
/** The same if `binary` is `true`, or only known at run time: `data` is a `string` or a `Uint8Array`. */
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>>
export function connect(options: WsConnectOptions<boolean>): WsClient<MessageData<true>> {
  const settings = check_options('connect', options, node_rules, HINTS)
  const { platform, connect } = select_environment('connect', settings)
  const { tls } = settings
  // Certificates that stay the same are read once, and mistakes in them are found at once.
  const constant_tls = typeof tls === 'function' ? undefined : tls_settings(tls)
  const route_of = (attempt: AttemptOptions): Route => {
    // A network in memory has neither TLS nor proxies.
    if (connect) return { connect_stream: (address: NetworkAddress) => connect(address, () => client) }
    const secure = secure_settings(attempt, constant_tls ?? tls_settings(attempt.tls))
    const agent = checked_agent(attempt.url, settings.agent)
    return { secure, agent, proxy: find_proxy(new URL(attempt.url), agent) }
  }
  const computed_route = (attempt: AttemptOptions): Route => {
    try {
      return route_of(attempt)
    } catch (cause) {
      const message = `connect: what the functions among the options returned is not possible: ${describe_cause(cause)}`
      throw new NetError('option_failed', message, { cause })
    }
  }
  // Mistakes in options that stay the same are found at once.
  const constant_route = is_constant(settings) ? route_of(settings) : undefined
  allow_many_listeners(settings.signal)
  const open: SocketSource['open'] = (attempt, events, connection) => {
    monitor_callbacks(platform.clock, connection)
    const route = constant_route ?? computed_route(attempt)
    return open_socket({ ...settings, ...attempt }, route, platform.clock, events)
  }
  // A network in memory has no interfaces.
  const { is_offline, is_cut_off, watch_wakeups } = network_watch
  const client_platform = connect ? platform : { ...platform, is_offline, is_cut_off, watch_wakeups }
  const client: Client = new Client(settings, {
    platform: client_platform,
    open,
    rules: node_rules,
    read_refusal,
  })
  return client
}
