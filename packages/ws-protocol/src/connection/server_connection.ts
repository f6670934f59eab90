import type { NetError } from '../errors/errors.js'
import type { CloseCause } from './close_info.js'
import { Connection, type ConnectionEvents, type ConnectionSettings } from './connection.js'
import { type Closing, is_ending, type Lifecycle, type LifecycleEvent, server_step } from './lifecycle.js'
import type { Platform } from './platform.js'

/** How a server that shuts down treats messages that clients sent before they received its Close. */
export type LateMessages = 'dropped' | 'delivered'

/** One connection of a server, which can shut down and shed it. */
export class ServerConnection<Handle> extends Connection<Handle> {
  /** What was not acknowledged when it was last looked at, in messages and bytes together. */
  #left = 0
  /** Whether messages are delivered that arrive between this side's Close and the peer's. */
  #delivers_late = false

  constructor(
    settings: ConnectionSettings,
    events: ConnectionEvents<Handle>,
    platform: Platform,
    make_handle: (connection: ServerConnection<Handle>) => Handle,
  ) {
    super(settings, events, platform, connection => make_handle(connection as ServerConnection<Handle>))
  }

  /**
   * Closes in order because the server shuts down. Reading stops; the callbacks of messages that have arrived
   * get `drain_ms` milliseconds to finish, and the messages that they send are written. 0 does not wait for
   * them, even after an earlier call with more. `late` decides about messages that arrive between this side's
   * Close and the peer's, provided that all earlier callbacks were done in time.
   */
  shut_down(code: number, reason: string, drain_ms: number, late: LateMessages = 'dropped'): void {
    if (drain_ms === 0) {
      this.close_in_order(code, reason, 'shutdown')
      return
    }
    // After the peer's Close, the connection ends by itself.
    if (this.lifecycle.name !== 'open' || !this.can_send()) return
    this.step({ type: 'finish', closing: { code, reason, cause: 'shutdown' } })
    this.start_timer(drain_ms)
    this.inbox.after_messages(() => {
      this.#delivers_late = late === 'delivered' && this.lifecycle.name === 'finishing'
      this.step({ type: 'finished' })
    })
  }

  /**
   * Closes with `code`, `reason` and the cause `overflow`, without sending the queue, to free memory for other
   * connections; returns `false` if the connection is already ending. `error` is reported at the end of the
   * turn: messages sent by `on_error` may shed further connections, and nest without limit.
   */
  shed(error: NetError, code: number, reason: string): boolean {
    const is_shed = this.fail(error, { code, reason, cause: 'overflow' })
    if (is_shed) this.platform.defer(() => this.report(error))
    return is_shed
  }

  /** Whether it is a session, which outlives its sockets. */
  get is_session(): boolean {
    return this.port?.keeps_messages === true
  }

  /** Whether the port has outlived its socket, and waits for the next one. */
  get is_away(): boolean {
    return this.port?.is_away === true
  }

  override socket_drained(): void {
    const left = this.unsent + this.queued
    const has_progressed = left < this.#left
    this.#left = left
    // The peer of a session that comes back again and again, but acknowledges nothing, makes no progress.
    if (has_progressed || !this.is_session) super.socket_drained()
    else this.flush()
  }

  protected override next(event: LifecycleEvent): Lifecycle {
    return server_step(this.lifecycle, event)
  }

  protected override entered(state: Lifecycle, before: Lifecycle): void {
    if (state.name === 'draining') this.#left = this.unsent + this.queued
    if (state.name === 'terminated' && before.name !== 'terminated')
      this.port?.end_session?.(state.closing.code)
    if (state.name === 'finishing') this.port?.pause()
    else if (before.name === 'finishing' && state.name === 'draining' && !this.delivers) this.inbox.drop()
    super.entered(state, before)
  }

  protected override get delivers(): boolean {
    return super.delivers || this.lifecycle.name === 'finishing' || this.#is_late
  }

  protected override can_send(): boolean {
    return super.can_send() || (this.lifecycle.name === 'finishing' && this.is_writable)
  }

  protected override resume_reading(): void {
    if (this.lifecycle.name !== 'finishing') super.resume_reading()
  }

  protected override close_in_order(code: number, reason: string, cause: CloseCause): void {
    this.#delivers_late = false
    super.close_in_order(code, reason, cause)
  }

  protected override fail(error: NetError, closing: Closing): boolean {
    if (!is_ending(this.lifecycle)) this.#delivers_late = false
    return super.fail(error, closing)
  }

  get #is_late(): boolean {
    const { name } = this.lifecycle
    return this.#delivers_late && (name === 'draining' || name === 'close_sent')
  }
}
