import type { Control, Counts, Welcome } from './control.js'

/** What a peer did that `bt.session.1` does not allow. */
export class SessionViolation extends Error {}

/** How a session goes on when its next socket is open. */
export interface Resumption {
  /** Whether it is the same session: nothing was lost, and nothing comes twice. */
  readonly recovered: boolean
  /**
   * How many messages the other side has received of those that this side still keeps: they are not sent again.
   * Without recovery, 0.
   */
  readonly skip: number
  /** Without recovery: how many messages of the earlier session, the oldest, may or may not have been handled. */
  readonly in_doubt: number
}

/**
 * The counts of one side of a session, which outlives its sockets, and the rules for them: a pure state machine,
 * which neither sends nor waits. Messages are numbered by counting them in the order in which they are written.
 * Received is not handled: what the other side has received is not sent again, and what it has handled is
 * forgotten. So a message whose callback is running when the socket is lost is neither lost nor handled twice.
 */
export class Session {
  /** How many messages this side has written. */
  sent = 0
  /** How many of them the other side is known to have handled. The others are kept. */
  acknowledged = 0
  /** How many messages of the other side have arrived. */
  received = 0
  /** How many of them the application has handled. */
  handled = 0
  /** How many of these the other side was told of. */
  told = 0
  /** How many bytes of messages that are not handled the other side takes. */
  peer_window = 0
  /** Whether a socket of this session is open, and both sides have exchanged their counts. */
  is_attached = false
  /** Whether one of the sides has ended it. */
  has_ended = false
  readonly #window: number
  /** How many messages the other side can have got: all, except those that are still to be sent again. */
  #sent_at_most = 0
  /** How many messages of earlier sessions still wait to be handled, ahead of those of this one. */
  #stale = 0

  /** `window`: how many bytes of messages that are not handled this side takes. */
  constructor(window: number) {
    this.#window = window
  }

  /** How many messages this side keeps: the other side may not have handled them. */
  get unacknowledged(): number {
    return this.sent - this.acknowledged
  }

  /** How many handled messages the other side was not told of yet. */
  get untold(): number {
    return this.handled - this.told
  }

  /** Returns what this side says first on a new socket: a hello and a welcome have these counts. */
  greet(): Counts {
    this.is_attached = false
    this.told = this.handled
    return { received: this.received, handled: this.handled, window: this.#window }
  }

  /**
   * Returns whether the session can go on with the counts of the other side: not if that has forgotten what it
   * has said before.
   *
   * @throws SessionViolation if the counts are impossible
   */
  can_resume({ received, handled }: Pick<Counts, 'received' | 'handled'>): boolean {
    if (handled > received || received > this.sent) throw impossible({ received, handled }, this.sent)
    return handled >= this.acknowledged
  }

  /**
   * Goes on with the counts of the other side, on a new socket. On a server, `false` means that it can't, and
   * the client needs a new session: the client has forgotten what it has said before.
   *
   * @throws SessionViolation if the counts are impossible
   */
  resume({ received, handled, window }: Counts): Resumption | false {
    if (!this.can_resume({ received, handled })) return false
    this.acknowledged = handled
    this.#sent_at_most = received
    this.peer_window = window
    this.is_attached = true
    return { recovered: true, skip: received - handled, in_doubt: 0 }
  }

  /**
   * Goes on as the server says, on a client's new socket. `resends`: whether a new session begins with the
   * messages of the earlier one whose handling is unknown; if not, they are to be forgotten. What certainly was
   * not handled goes on in any case.
   *
   * @throws SessionViolation if the counts are impossible
   */
  welcomed(welcome: Welcome, resends: boolean): Resumption {
    if (!welcome.recovered) return this.#start_over(welcome, resends)
    const resumption = this.resume(welcome)
    if (resumption !== false) return resumption
    // Not all of the welcome: it has the token.
    const { received, handled } = welcome
    throw impossible({ received, handled }, this.sent)
  }

  /** The socket is lost; the session goes on with the next one. */
  detach(): void {
    this.is_attached = false
  }

  /** This side has written new messages. All earlier ones are sent again by then. */
  wrote(messages: number): void {
    this.sent += messages
    this.#sent_at_most = this.sent
  }

  /** This side has sent messages again. */
  wrote_again(messages: number): void {
    this.#sent_at_most += messages
  }

  /** A message has arrived on the socket of this session. */
  arrived(): void {
    this.received += 1
  }

  /** The application has handled the oldest message that was not handled yet. */
  did_handle(): void {
    if (this.#stale > 0) this.#stale -= 1
    else this.handled += 1
  }

  /** Returns the acknowledgement that is due. */
  acknowledge(): Control {
    this.told = this.handled
    return { type: 'ack', handled: this.handled }
  }

  /**
   * The other side has handled that many messages. Returns how many of them were not known to be handled.
   *
   * @throws SessionViolation if that is nothing new, or more than was sent so far on this socket and before it
   */
  acknowledged_by(handled: number): number {
    return this.#handled_by_peer(handled, 1)
  }

  /**
   * This side ends the session. Returns the control message that goes ahead of the Close. `is_handling`: a callback
   * has a message, which counts as handled, since it is the last one.
   */
  end(code: number, is_handling: boolean): Control {
    this.has_ended = true
    if (is_handling && this.#stale === 0) this.handled += 1
    this.told = this.handled
    return { type: 'end', handled: this.handled, code }
  }

  /**
   * The other side has ended the session. Returns how many messages were not known to be handled.
   *
   * @throws SessionViolation if the count is impossible
   */
  ended(handled: number): number {
    this.has_ended = true
    return this.#handled_by_peer(handled, 0)
  }

  #handled_by_peer(handled: number, min_newly: number): number {
    const newly = handled - this.acknowledged
    if (newly < min_newly || handled > this.#sent_at_most) throw impossible({ handled }, this.#sent_at_most)
    this.acknowledged = handled
    return newly
  }

  #start_over({ received, handled, window }: Welcome, resends: boolean): Resumption {
    if (received + handled > 0) throw impossible({ received, handled }, 0)
    // A peer that has ended the session in order has said what it has handled. What a socket did not take before
    // it was lost has not arrived.
    const in_doubt = this.has_ended ? 0 : this.#sent_at_most - this.acknowledged
    this.#stale += this.received - this.handled
    this.sent = this.unacknowledged - (resends ? 0 : in_doubt)
    this.#sent_at_most = this.acknowledged = 0
    this.received = this.handled = this.told = 0
    this.peer_window = window
    this.is_attached = true
    this.has_ended = false
    return { recovered: false, skip: 0, in_doubt }
  }
}

function impossible(counts: Partial<Counts>, sent: number): SessionViolation {
  const claims = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return new SessionViolation(`the peer claims to have ${claims.join(' and ')} of ${sent} messages`)
}
