import { NetError } from '@bt/ws-protocol'
import {
  type CancelTimer,
  type Clock,
  type Hello,
  PROTOCOL_ERROR,
  read_control,
  type SocketEvents,
  start_peer_timeout,
} from '@bt/ws-protocol/internal'
import type { AcceptedClient } from '../handshake/accepted_client.js'
import type { SessionWire } from './session_wire.js'

/** The settings of an {@link UnclaimedSocket}. */
export interface UnclaimedSettings {
  readonly clock: Clock
  /** How long the client may take to say which session it wants, and then to answer a Close, in milliseconds. */
  readonly timeout_ms: number
}

/** What becomes of an {@link UnclaimedSocket}. */
export interface UnclaimedEvents {
  /** The client has said which session it wants. The socket reports here until it is given to that session. */
  greeted(socket: UnclaimedSocket, hello: Hello): void
  /** The socket has ended, or belongs to a session now. */
  done(socket: UnclaimedSocket): void
  /** Reports an error to the user. */
  report(error: NetError): void
}

/** A socket whose client has not said yet which session it belongs to. */
export class UnclaimedSocket implements SocketEvents {
  readonly inbox: SocketEvents['inbox'] = { bytes: 0 }
  readonly wire: SessionWire
  readonly client: AcceptedClient
  readonly #settings: UnclaimedSettings
  readonly #events: UnclaimedEvents
  #cancel_timer: CancelTimer
  #state: 'waiting' | 'greeted' | 'closing' | 'done' = 'waiting'

  constructor(
    wire: SessionWire,
    client: AcceptedClient,
    settings: UnclaimedSettings,
    events: UnclaimedEvents,
  ) {
    this.wire = wire
    this.client = client
    this.#settings = settings
    this.#events = events
    this.#cancel_timer = start_peer_timeout(settings.clock, settings.timeout_ms, () =>
      this.#fail(`the client of ${client.request.path} did not say which session it wants`),
    )
  }

  /** Whether the socket is still open, and belongs to no session. */
  get is_claimable(): boolean {
    return this.#state === 'greeted'
  }

  /** Ends the part of this object: the wire reports to `events` from now on. */
  give_to(events: SocketEvents): void {
    this.#done()
    this.wire.report_to(events)
  }

  /** Closes the socket: no session takes it. */
  refuse(code: number, reason: string): void {
    if (this.#state === 'closing' || this.#state === 'done') return
    this.#state = 'closing'
    this.#end_within_timeout()
    this.wire.close(code, reason)
  }

  /** Ends the socket at once. */
  drop(): void {
    this.#state = 'closing'
    this.wire.terminate()
  }

  close(): true {
    return true
  }

  socket_opened(): void {}

  socket_message(data: string | Uint8Array): void {
    if (this.#state !== 'waiting') {
      if (this.#state === 'greeted') this.#fail('a client spoke on before it was answered')
      return
    }
    const message = typeof data === 'string' ? undefined : read_control(data)
    if (message?.type !== 'hello') {
      this.#fail('a client that asked for bt.session.1 began without a hello')
      return
    }
    this.#state = 'greeted'
    this.#cancel_timer()
    this.#events.greeted(this, message)
  }

  socket_drained(): void {}

  socket_failed(error: NetError, code: number): void {
    this.#events.report(error)
    this.refuse(code, '')
  }

  socket_ending(): void {
    this.#state = 'closing'
    this.#end_within_timeout()
  }

  socket_closed(): void {
    this.#done()
  }

  #fail(problem: string): void {
    this.socket_failed(
      new NetError('protocol_error', `closed with ${PROTOCOL_ERROR}: ${problem}`),
      PROTOCOL_ERROR,
    )
  }

  #end_within_timeout(): void {
    const { clock, timeout_ms } = this.#settings
    this.#cancel_timer()
    this.#cancel_timer = start_peer_timeout(clock, timeout_ms, () => this.wire.terminate())
  }

  #done(): void {
    this.#cancel_timer()
    this.#state = 'done'
    this.#events.done(this)
  }
}
