import { isIPv6 } from 'node:net'
import type { WsClient } from '@bt/ws-client'
import { type MemoryNetworkLike, type MessageData, NetError } from '@bt/ws-protocol'
import {
  type CancelTimer,
  type Clock,
  check_options,
  describe_value,
  type OptionRules,
} from '@bt/ws-protocol/internal'
import {
  type NetworkAddress,
  next_turn,
  node_platform,
  pending_work,
  register_network,
} from '@bt/ws-protocol/internal/node'
import { FakeClock } from '@bt/ws-protocol/testing'
import type { WsSocket } from '@bt/ws-server'
import { bytes_rule, check_argument, latency_rule } from './arguments.js'
import { MemoryLink } from './link.js'
import { MemoryHttpServer } from './memory_http_server.js'
import { MemoryStream } from './memory_stream.js'

/** Options of {@link memory_network}. */
export interface MemoryNetworkOptions {
  /**
   * Whether time stands still until {@link MemoryNetwork.advance}: heartbeats, timeouts, delays before
   * reconnecting and latencies. Otherwise it is that of `setTimeout` and `Date`, which the fake timers of
   * vitest, Jest and `node:test` move, too. @defaultValue `false`
   */
  readonly manual_clock?: boolean | undefined
  /** How long each byte is under way, in milliseconds. @defaultValue `0` */
  readonly latency_ms?: number | undefined
  /** How many bytes pass in a second, in each direction of each connection. @defaultValue no limit */
  readonly bytes_per_second?: number | undefined
  /**
   * How many bytes of each direction may be under way or unread before its sender has to wait, as in the
   * buffers of a kernel. @defaultValue 64 KiB
   */
  readonly buffer_bytes?: number | undefined
}

/** A connection of a {@link MemoryNetwork}. */
export interface Link {
  /** Whether both ends still exist. */
  readonly is_open: boolean
  /** How long each byte is under way that is sent from now on, in milliseconds. */
  latency_ms: number
  /** How many bytes pass in a second, in each direction. */
  bytes_per_second: number
  /**
   * Delivers nothing any more to one side, or to both, until {@link Link.thaw}; neither side notices, but by
   * its heartbeat or a full queue.
   */
  freeze(side?: 'client' | 'server'): void
  /** Delivers again to one side, or to both, beginning with what was under way. */
  thaw(side?: 'client' | 'server'): void
  /**
   * Cuts the connection: both sides see a reset at once, and what was under way is lost. With a side, only
   * that one sees it, and the other hears nothing any more: a half-open connection.
   */
  cut(seen_by?: 'client' | 'server'): void
}

const network_rules: OptionRules<
  MemoryNetworkOptions,
  'manual_clock' | 'latency_ms' | 'bytes_per_second' | 'buffer_bytes'
> = {
  manual_clock: {
    fallback: false,
    expects: 'true or false',
    accepts: value => typeof value === 'boolean',
  },
  latency_ms: { ...latency_rule, fallback: 0 },
  bytes_per_second: { ...bytes_rule, fallback: Number.POSITIVE_INFINITY },
  buffer_bytes: { ...bytes_rule, fallback: 65_536 },
}

const FIRST_FREE_PORT = 49_152
const LAST_PORT = 65_535
/** The names of a machine for itself, and for all of its addresses: here they are all the same. */
const OWN_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::'])

/** After this many turns of the event loop in which nothing moved, nothing will. */
const QUIET_TURNS = 12

/**
 * Makes a network in memory, for the tests of servers and clients: give it to `listen` and `connect` with
 * `type: 'mem'` and `network`, and otherwise the same options. Connections pass through the same handshake,
 * frames and queues as real ones; only the sockets of the machine are left out, and TLS.
 *
 * @throws NetError `invalid_option`, naming the option, its value and what was expected
 */
export function memory_network(options: MemoryNetworkOptions = {}): MemoryNetwork {
  return new MemoryNetwork(options)
}

/** A timer takes a millisecond at least, as those of Node do: otherwise time would never pass. */
class ManualClock extends FakeClock {
  override start_timer(after_ms: number, task: () => void): CancelTimer {
    return super.start_timer(Math.max(1, after_ms), task)
  }
}

/** The time of the globals, which every test runner can fake. */
const replaceable_clock: Clock = { ...node_platform.clock, now_ms: () => Date.now() }

/** A connection with those who have it. */
interface LinkEntry {
  readonly link: MemoryLink
  /** Returns the client. */
  readonly client: () => object
  /** The server's end. */
  readonly accepted: MemoryStream
  /** The server's socket, once the handshake is done. */
  socket?: object
}

/** A network in memory, as {@link memory_network} makes it. */
export class MemoryNetwork implements MemoryNetworkLike {
  readonly #servers = new Map<string, MemoryHttpServer>()
  readonly #links = new Set<LinkEntry>()
  readonly #conditions
  readonly #clock: FakeClock | undefined
  #next_port = FIRST_FREE_PORT
  #is_down = false
  #moves = 0
  #tasks = 0
  /** Settles when the calls of {@link MemoryNetwork.advance} so far are done. */
  #advanced: Promise<void> = Promise.resolve()

  /** Use {@link memory_network}. */
  constructor(options: MemoryNetworkOptions) {
    const settings = check_options('memory_network', options, network_rules)
    this.#conditions = settings
    this.#clock = settings.manual_clock ? new ManualClock() : undefined
    const platform = { ...node_platform, clock: this.#clock ?? replaceable_clock }
    register_network(this, {
      platform,
      has_tls: false,
      create_http_server: options =>
        new MemoryHttpServer(options, {
          bind: (server, address) => this.#bind(server, address),
          unbind: server => this.#unbind(server),
          later: task => this.#later(task),
        }),
      connect: (address, client) => this.#connect(address, platform.clock, client),
      accepted: (stream, socket) => {
        for (const entry of this.#links) if (entry.accepted === stream) entry.socket = socket
      },
    })
  }

  /** The open connections, the oldest first. */
  get links(): readonly Link[] {
    return [...this.#links].map(({ link }) => link).filter(({ is_open }) => is_open)
  }

  /**
   * Returns the connection of a client or of a server's socket.
   *
   * @throws NetError `invalid_argument` if it has none in this network
   */
  link(handle: WsClient<MessageData<true>> | WsSocket): Link {
    for (const { link, client, socket } of [...this.#links].reverse())
      if (socket === handle || client() === handle) return link
    const { state } = (handle ?? {}) as Partial<WsClient>
    throw new NetError(
      'invalid_argument',
      `link got ${describe_value(handle)}${state === undefined ? '' : ` that is ${state}`}: it has no connection in this network; await its opened, and check that it was given this network`,
    )
  }

  /** Cuts all connections, and lets no client connect, until {@link MemoryNetwork.restart}. */
  stop(): void {
    this.#is_down = true
    for (const { link } of this.#links) link.cut()
  }

  /** Cuts all connections, and lets clients connect again. */
  restart(): void {
    this.stop()
    this.#is_down = false
  }

  /**
   * Resolves when nothing moves any more: no bytes, and no callbacks that they cause. It does not wait for
   * timers, nor for what a callback awaits from elsewhere.
   */
  async settled(): Promise<void> {
    let moves = -1
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      await new Promise(resolve => next_turn(resolve))
      if (moves !== this.#moves || this.#tasks > 0 || pending_work() > 0) quiet = 0
      moves = this.#moves
    }
  }

  /**
   * Advances the manual clock, timer by timer, and waits after each until nothing moves any more. A call
   * begins when those before it are done.
   *
   * @throws NetError `unsupported` without `manual_clock`; `invalid_argument` for anything but a number from 0 on
   */
  advance(by_ms: number): Promise<void> {
    const advanced = this.#advanced.then(() => this.#advance(by_ms))
    this.#advanced = advanced.catch(() => {})
    return advanced
  }

  async #advance(by_ms: number): Promise<void> {
    check_argument('advance', by_ms, latency_rule)
    const clock = this.#clock
    if (clock === undefined)
      throw new NetError(
        'unsupported',
        'advance moves the clock of a memory_network({ manual_clock: true }); otherwise move the fake timers of your test runner',
      )
    await this.settled()
    const until_ms = clock.now_ms() + by_ms
    for (let due_ms = clock.next_due_ms; due_ms <= until_ms; due_ms = clock.next_due_ms) {
      clock.advance(Math.max(0, due_ms - clock.now_ms()))
      await this.settled()
    }
    clock.advance(until_ms - clock.now_ms())
  }

  #bind(server: MemoryHttpServer, address: NetworkAddress): NetworkAddress {
    const bound = 'port' in address && address.port === 0 ? { ...address, port: this.#free_port() } : address
    const key = key_of(bound)
    if (this.#servers.has(key)) throw system_error('EADDRINUSE', `listen EADDRINUSE: ${key}`)
    this.#servers.set(key, server)
    return bound
  }

  #server_at(address: NetworkAddress): MemoryHttpServer | undefined {
    const server = this.#servers.get(key_of(address))
    if (server !== undefined || 'path' in address) return server
    const of_machine = this.#servers.get(key_of({ ...address, host: 'localhost' }))
    return of_machine?.serves_all_addresses ? of_machine : undefined
  }

  #unbind(server: MemoryHttpServer): void {
    for (const [key, bound] of this.#servers) if (bound === server) this.#servers.delete(key)
  }

  /** Returns the next port that no server has. */
  #free_port(): number {
    for (;;) {
      const port = this.#next_port
      this.#next_port = port === LAST_PORT ? FIRST_FREE_PORT : port + 1
      if (!this.#servers.has(`localhost:${port}`)) return port
    }
  }

  /** Connects in a later turn, as a network does: a client that is closed meanwhile never connects. */
  #connect(address: NetworkAddress, clock: Clock, client: () => object): MemoryStream {
    const is_unix = 'path' in address
    const own = is_unix ? undefined : { host: '127.0.0.1', port: this.#free_port() }
    const stream = new MemoryStream(own, is_unix ? undefined : address, false)
    this.#later(() => {
      if (stream.destroyed) return
      const server = this.#server_at(address)
      if (this.#is_down) stream.destroy(system_error('ENETUNREACH', 'connect ENETUNREACH'))
      else if (server === undefined)
        stream.destroy(system_error('ECONNREFUSED', `connect ECONNREFUSED ${key_of(address)}`))
      else this.#link(stream, server, clock, client)
    })
    return stream
  }

  #link(stream: MemoryStream, server: MemoryHttpServer, clock: Clock, client: () => object): void {
    const { remoteAddress, remotePort, localAddress, localPort } = stream
    const is_unix = localAddress === undefined
    const accepted = new MemoryStream(
      is_unix ? undefined : { host: String(remoteAddress), port: Number(remotePort) },
      is_unix ? undefined : { host: localAddress, port: Number(localPort) },
      true,
    )
    const link = new MemoryLink({ client: stream, server: accepted }, this.#conditions, clock, {
      later: task => this.#later(task),
      moved: () => {
        this.#moves += 1
      },
    })
    const entry: LinkEntry = { link, client, accepted }
    this.#links.add(entry)
    for (const end of [stream, accepted])
      end.once('close', () => {
        if (!link.is_alive) this.#links.delete(entry)
      })
    server.accept(accepted)
  }

  /** Runs `task` in a later turn of the event loop, which fake timers do not stop. */
  #later(task: () => void): void {
    this.#tasks += 1
    next_turn(() => {
      this.#tasks -= 1
      task()
    })
  }
}

/** Returns the key of an address: the names of a machine for itself are one, and a port belongs to one server. */
function key_of(address: NetworkAddress): string {
  if ('path' in address) return `unix:${address.path}`
  const name = address.host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  const host = isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name
  return `${OWN_NAMES.has(host) ? 'localhost' : host}:${address.port}`
}

function system_error(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
