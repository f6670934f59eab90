import { randomBytes } from 'node:crypto'
import { NetError } from '@bt/ws-protocol'
import {
  type CancelTimer,
  callback_error,
  describe_value,
  type Hello,
  type Platform,
  PROTOCOL_ERROR,
  type ServerConnection,
  type SessionPlatform,
  type SessionPortSettings,
  SessionViolation,
  TRY_AGAIN_LATER,
} from '@bt/ws-protocol/internal'
import { type InboxBudget, with_node_sessions } from '@bt/ws-protocol/internal/node'
import type { NodeLink } from '../cluster/node_link.js'
import type { AcceptedClient } from '../handshake/accepted_client.js'
import type { SessionStats } from '../sockets/session_stats.js'
import { shed_reason } from '../sockets/shed_reason.js'
import { ServerSocket, type SocketWire } from '../sockets/socket.js'
import { ServerSession, type ServerSessionEvents, type SessionGrant } from './server_session.js'
import type { SessionClaim } from './session_claim.js'
import { SessionRelay } from './session_relay.js'
import type { SessionWire } from './session_wire.js'
import type { SessionIdentity, SessionsSettings } from './sessions_option.js'
import { UnclaimedSocket } from './unclaimed_socket.js'

const TOKEN_BYTES = 16
/** How many bytes of messages that are not handled a server takes from one session. */
const WINDOW_BYTES = 262_144
/** How often the memory of waiting sessions is checked, in milliseconds. */
const CHECK_MS = 1_000
/** The code of a Close after an error in a callback of the server (RFC 6455 §7.4.1). */
const INTERNAL_ERROR = 1_011

/** The settings of a {@link SessionStore}. */
export interface SessionStoreSettings extends SessionsSettings {
  readonly max_connections: number
  readonly max_connections_per_ip: number | undefined
  readonly handshake_timeout: number
  readonly close_timeout: number
}

/** The owner of a {@link SessionStore}. */
export interface SessionStoreEvents extends Pick<ServerSessionEvents, 'left'> {
  /** Returns the number of sockets, sessions that wait for their clients included. */
  sockets(): number
  /** Makes the connection of a session, and the socket that users get. */
  connect(platform: Platform, wire: SocketWire, client: AcceptedClient): ServerConnection<ServerSocket>
  /** The client of a stream goes on with a socket. */
  joined(client: AcceptedClient, socket: ServerSocket): void
  /** A session has lost its connection, or goes on with another one. */
  changed(socket: ServerSocket, change: 'on_away' | 'on_back'): void
  /** A socket without a session of this server has ended, or has one now. */
  emptied(): void
  /** Reports an error to the user. */
  report(error: NetError): void
}

/** A session that waits for its client. */
interface Hold {
  readonly cancel: CancelTimer
  /** The address that it counts for. */
  readonly ip: string | undefined
}

/** The sessions of a server: finds the one that a client asks for, and keeps those whose client is away. */
export class SessionStore {
  readonly #settings: SessionStoreSettings
  readonly #platform: SessionPlatform
  readonly #events: SessionStoreEvents
  /** The identifier of this server in its cluster; empty without one. Every token of its sessions ends with it. */
  readonly #node: Uint8Array
  readonly #relay: SessionRelay | undefined
  // One for all sessions, which saves memory in each.
  readonly #port_settings: SessionPortSettings
  readonly #session_events: ServerSessionEvents
  readonly #unclaimed = new Set<UnclaimedSocket>()
  readonly #by_token = new Map<string, ServerSession>()
  /** The sessions that wait for their clients, the one that has waited longest first. */
  readonly #held = new Map<ServerSession, Hold>()
  readonly #held_by_ip = new Map<string, number>()
  #cancel_check: CancelTimer | undefined
  #shut_down: { readonly code: number; next_reason(): string } | undefined
  #started = 0
  #recovered = 0
  #not_recovered = 0
  #expired = 0

  constructor(
    settings: SessionStoreSettings,
    platform: Platform,
    inbox_budget: InboxBudget,
    node_link: NodeLink | undefined,
    events: SessionStoreEvents,
  ) {
    this.#settings = settings
    this.#platform = with_node_sessions(platform)
    this.#events = events
    this.#port_settings = { window: WINDOW_BYTES, close_timeout: settings.close_timeout }
    this.#session_events = {
      connect: (wire, client) => events.connect(this.#platform, wire, client),
      away: session => this.#on_away(session),
      left: stream => events.left(stream),
    }
    this.#node = node_link?.node ?? new Uint8Array()
    this.#relay =
      node_link &&
      new SessionRelay(node_link, inbox_budget, platform.clock, {
        claimed: claim => this.#shut_down === undefined && this.resume(claim) !== false,
        emptied: () => this.#events.emptied(),
      })
  }

  /** How many sockets belong to no session of this server: none yet, or one of another server. */
  get guests(): number {
    return this.#unclaimed.size + (this.#relay?.entries ?? 0)
  }

  /** How many sessions wait for their clients. */
  get held(): number {
    return this.#held.size
  }

  /** Takes the socket of a client whose handshake is complete, and who has not said yet which session it wants. */
  accepted(wire: SessionWire, client: AcceptedClient): UnclaimedSocket {
    const socket = new UnclaimedSocket(
      wire,
      client,
      { clock: this.#platform.clock, timeout_ms: this.#settings.handshake_timeout },
      {
        greeted: (socket, hello) => this.#greeted(socket, hello),
        done: socket => {
          this.#unclaimed.delete(socket)
          this.#events.emptied()
        },
        report: error => this.#events.report(error),
      },
    )
    this.#unclaimed.add(socket)
    return socket
  }

  /** Forgets a session that has ended. */
  ended(socket: ServerSocket): void {
    const session = ServerSocket.wire_of(socket)
    if (!(session instanceof ServerSession)) return
    this.#release(session)
    this.#forget_tokens(session)
  }

  /** Takes no further clients, and closes the sockets that belong to no session yet. */
  shut_down(shutdown: { readonly code: number; next_reason(): string }, now: boolean): void {
    this.#shut_down = shutdown
    this.#relay?.shut_down(shutdown.code, () => shutdown.next_reason(), now)
    for (const socket of this.#unclaimed) {
      if (now) socket.drop()
      else socket.refuse(shutdown.code, shutdown.next_reason())
    }
  }

  stats(): SessionStats {
    return {
      held: this.#held.size,
      held_bytes: this.#held_bytes,
      relayed: this.#relay?.entries ?? 0,
      started: this.#started,
      recovered: this.#recovered,
      not_recovered: this.#not_recovered,
      expired: this.#expired,
    }
  }

  /**
   * Lets a client go on with a session of this server; returns `false` if there is none for it.
   *
   * @throws SessionViolation if the counts of its hello are impossible
   */
  resume({ hello, identity, client, wire, give }: SessionClaim): ServerSession | false {
    const session = this.#by_token.get(key_of(hello.token))
    if (session === undefined || session.identity !== identity || !session.can_resume(hello)) return false
    const was_away = this.#release(session)
    this.#recovered += 1
    session.resume(wire, give, client, hello, this.#grant(session, key_of(hello.token)))
    if (was_away) this.#events.changed(session.socket, 'on_back')
    return session
  }

  #greeted(socket: UnclaimedSocket, hello: Hello): void {
    try {
      const identity = this.#identity_of(socket.client.data)
      // The callback may have closed the server.
      if (!socket.is_claimable) return
      const { client, wire } = socket
      this.#claimed(socket, { hello, identity, client, wire, give: events => socket.give_to(events) })
    } catch (error) {
      if (error instanceof SessionViolation) {
        const message = `closed with ${PROTOCOL_ERROR}: ${error.message}`
        socket.socket_failed(new NetError('protocol_error', message), PROTOCOL_ERROR)
      } else {
        this.#events.report(callback_error('identity', error))
        socket.refuse(INTERNAL_ERROR, '')
      }
    }
  }

  #claimed(socket: UnclaimedSocket, claim: SessionClaim): void {
    const session = this.resume(claim)
    const holder = session === false ? this.#relay?.holder_of(claim.hello.token) : undefined
    if (session !== false) this.#events.joined(socket.client, session.socket)
    else if (holder === undefined) this.#start(socket, claim)
    else
      this.#relay?.ask(holder, socket, claim, () => {
        if (socket.is_claimable) this.#start(socket, claim)
      })
  }

  #start(socket: UnclaimedSocket, { hello, identity, wire, give }: SessionClaim): void {
    if (hello.token.length > 0) this.#not_recovered += 1
    // A client that might have come back was let in beside the sessions that wait.
    if (this.#events.sockets() >= this.#settings.max_connections) {
      socket.refuse(TRY_AGAIN_LATER, shed_reason())
      return
    }
    this.#started += 1
    const session = new ServerSession(
      socket.client,
      identity,
      this.#port_settings,
      this.#platform,
      this.#session_events,
    )
    this.#events.joined(socket.client, session.socket)
    session.start(wire, give, hello, this.#grant(session, undefined))
  }

  #grant(session: ServerSession, seen: string | undefined): SessionGrant {
    return { token: this.#rotate(session, seen), hold_ms: this.#settings.hold_ms }
  }

  /** Gives a session its next token. `seen` is the one that its client has used. */
  #rotate(session: ServerSession, seen: string | undefined): Uint8Array {
    // The client has not received the next one; or it has, and this is an earlier hello of it that arrives late.
    if (session.token !== undefined && seen === session.previous_token)
      return Buffer.from(session.token, 'latin1')
    this.#forget_tokens(session)
    const token = Buffer.concat([randomBytes(TOKEN_BYTES), this.#node])
    session.token = key_of(token)
    session.previous_token = seen
    this.#by_token.set(session.token, session)
    if (seen !== undefined) this.#by_token.set(seen, session)
    return token
  }

  #forget_tokens({ token, previous_token }: ServerSession): void {
    for (const each of [token, previous_token]) if (each !== undefined) this.#by_token.delete(each)
  }

  #identity_of(data: unknown): SessionIdentity | undefined {
    const { identity } = this.#settings
    if (identity === undefined) return undefined
    const value: unknown = identity(data)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value
    throw new NetError(
      'invalid_option',
      `identity returned ${describe_value(value)}; return a string, a number or a bigint`,
    )
  }

  #on_away(session: ServerSession): void {
    if (this.#shut_down !== undefined) {
      // No client can come back.
      session.connection.terminate('shutdown')
      return
    }
    const { hold_ms, max_held, max_connections_per_ip = Number.POSITIVE_INFINITY } = this.#settings
    const { clock } = this.#platform
    const { ip } = session
    const of_address = this.#count_held(ip, 1)
    const cancel = clock.start_timer(hold_ms, () => this.#expire(session, 'network'))
    this.#held.set(session, { cancel, ip })
    if (of_address > max_connections_per_ip) this.#expire(session, 'overflow')
    const [longest] = this.#held.keys()
    if (longest !== undefined && this.#held.size > max_held) this.#expire(longest, 'overflow')
    this.#cancel_check ??= clock.start_timer(CHECK_MS, () => this.#check_memory())
    this.#events.changed(session.socket, 'on_away')
  }

  /** Ends a session whose client is away. */
  #expire(session: ServerSession, cause: 'network' | 'overflow'): void {
    if (!this.#release(session)) return
    this.#expired += 1
    session.connection.terminate(cause)
  }

  /** Stops waiting for the client of a session; returns whether it was away. */
  #release(session: ServerSession): boolean {
    const hold = this.#held.get(session)
    if (hold === undefined) return false
    hold.cancel()
    this.#held.delete(session)
    this.#count_held(hold.ip, -1)
    if (this.#held.size === 0) {
      this.#cancel_check?.()
      this.#cancel_check = undefined
    }
    return true
  }

  /** Counts the waiting sessions of an address; returns how many there are now, and 0 without an address. */
  #count_held(ip: string | undefined, change: 1 | -1): number {
    if (ip === undefined) return 0
    const count = (this.#held_by_ip.get(ip) ?? 0) + change
    if (count > 0) this.#held_by_ip.set(ip, count)
    else this.#held_by_ip.delete(ip)
    return count
  }

  get #held_bytes(): number {
    let bytes = 0
    for (const { held_bytes } of this.#held.keys()) bytes += held_bytes
    return bytes
  }

  /** Ends the sessions that hold most, if all hold too much. */
  #check_memory(): void {
    this.#cancel_check = this.#platform.clock.start_timer(CHECK_MS, () => this.#check_memory())
    let excess_bytes = this.#held_bytes - this.#settings.max_held_bytes
    if (excess_bytes <= 0) return
    const by_size = Array.from(this.#held.keys(), session => ({ session, bytes: session.held_bytes }))
    for (const { session, bytes } of by_size.sort((a, b) => b.bytes - a.bytes)) {
      if (excess_bytes <= 0) return
      excess_bytes -= bytes
      this.#expire(session, 'overflow')
    }
  }
}

/** Returns the text under which a token is kept. */
function key_of(token: Uint8Array): string {
  return Buffer.from(token.buffer, token.byteOffset, token.length).toString('latin1')
}
