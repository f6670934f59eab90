import { ABNORMAL_CLOSURE } from '../frames/close_code.js'
import type { CloseCause } from './close_info.js'

/** How a connection is being closed, and why. */
export interface Closing {
  /** The code of the Close (RFC 6455 §7.4). */
  readonly code: number
  /** The reason in the Close. */
  readonly reason: string
  /** Who or what ends it. */
  readonly cause: CloseCause
}

/** How a connection ended, before unsent messages are counted. */
export interface Ending extends Closing {
  /** Whether both sides' Close frames were sent and received. */
  readonly clean: boolean
}

/**
 * The state of one connection. On entering `waiting`, it starts the delay before it reconnects; `finishing`,
 * it stops reading; `draining`, it sends the queue; `close_sent`, it sends a Close; `terminated`, it ends the
 * socket. `closing_unopened` means that it was closed while it was opening, and opens first, to send the queue or to end a session.
 */
export type Lifecycle =
  | { readonly name: 'connecting' | 'connecting_again' | 'open' }
  | { readonly name: 'waiting'; readonly ending: Ending }
  | {
      readonly name: 'finishing' | 'draining' | 'close_sent' | 'closing_unopened' | 'terminated'
      readonly closing: Closing
    }
  | { readonly name: 'closed'; readonly ending: Ending }

/**
 * The state of a connection as users see it. `reconnecting` includes both the delay before the next attempt
 * and the attempt itself.
 */
export type ConnectionState = 'connecting' | 'open' | 'reconnecting' | 'closing' | 'closed'

/** Returns the state that users see. */
export function shown_state(state: Lifecycle): ConnectionState {
  const { name } = state
  if ('closing' in state) return 'closing'
  return name === 'waiting' || name === 'connecting_again' ? 'reconnecting' : (name as ConnectionState)
}

/** The first state of every connection. */
export const CONNECTING: Lifecycle = { name: 'connecting' }

/** The state of most connections nearly all the time; one object saves memory. */
const OPEN: Lifecycle = { name: 'open' }

/** What can happen to a connection. */
export type LifecycleEvent =
  /** The handshake is done. */
  | { readonly type: 'opened' }
  /** This side closes in order; `has_to_send`: an opening connection has reason to open first. */
  | { readonly type: 'close'; readonly closing: Closing; readonly has_to_send: boolean | undefined }
  /** This side closes in order once the callbacks of all messages that have arrived are done. */
  | { readonly type: 'finish'; readonly closing: Closing }
  /** The callbacks of all messages that had arrived are done. */
  | { readonly type: 'finished' }
  /** This side closes at once, because of an error. */
  | { readonly type: 'fail'; readonly closing: Closing }
  /** This side ends the connection at once, without a Close. */
  | { readonly type: 'terminate'; readonly closing: Closing }
  /** The network has taken all queued messages. */
  | { readonly type: 'drained' }
  /**
   * The timer has run out. In an open connection, it was started because the peer had sent its Close or ended
   * its side.
   */
  | { readonly type: 'timed_out' }
  /**
   * The socket has ended, with the peer's Close or with 1006. `ending` comes from {@link ending_of};
   * `will_retry`: another socket will be opened.
   */
  | { readonly type: 'gone'; readonly ending: Ending; readonly will_retry: boolean }
  /** The next socket is about to open. */
  | { readonly type: 'reopen' }

/**
 * Returns the next state by the rules of opening and closing (RFC 6455 §7), or the same object if the event
 * changes nothing.
 */
export function step(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  const { name } = state
  if (name === 'closed' || (is_ending(state) && event.type === 'fail')) return state
  switch (event.type) {
    case 'opened':
      if (name === 'connecting' || name === 'connecting_again') return OPEN
      if (name === 'closing_unopened') return { ...state, name: 'draining' }
      break
    case 'close':
      if (name === 'open') return { name: 'draining', closing: event.closing }
      // A lost connection that is closed before its socket has ended counts as closed by this side, and does
      // not reconnect.
      if (name === 'waiting' || (name === 'terminated' && is_loss(state.closing)))
        return { name: 'terminated', closing: event.closing }
      if (name === 'connecting' || name === 'connecting_again')
        return { name: event.has_to_send ? 'closing_unopened' : 'terminated', closing: event.closing }
      break
    case 'fail':
      return {
        name: name === 'waiting' || is_unopened(state) ? 'terminated' : 'close_sent',
        // A connection that was closed before it could open keeps that reason.
        closing: name === 'closing_unopened' ? state.closing : event.closing,
      }
    case 'terminate':
      // A connection that this side was closing already keeps that reason.
      if ('closing' in state && !is_loss(state.closing))
        return name === 'terminated' ? state : { name: 'terminated', closing: state.closing }
      return { name: 'terminated', closing: event.closing }
    case 'drained':
      if (name === 'draining') return { ...state, name: 'close_sent' }
      break
    case 'timed_out':
      if (name === 'open')
        return { name: 'terminated', closing: { code: ABNORMAL_CLOSURE, reason: '', cause: 'network' } }
      if ('closing' in state && name !== 'terminated') return { name: 'terminated', closing: state.closing }
      break
    case 'gone':
      return { name: event.will_retry ? 'waiting' : 'closed', ending: event.ending }
    case 'reopen':
      if (name === 'waiting') return { name: 'connecting_again' }
  }
  return state
}

/** The same for a server's connection, which can shut down: only that enters `finishing`. */
export function server_step(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  const { name } = state
  if (name === 'open' && event.type === 'finish') return { name: 'finishing', closing: event.closing }
  if (name === 'finishing') {
    if (event.type === 'close') return { name: 'draining', closing: event.closing }
    if (event.type === 'finished' || event.type === 'timed_out')
      return { name: 'draining', closing: state.closing }
  }
  return step(state, event)
}

/** Whether another socket may be opened: not if this side has ended the connection, for whatever reason. */
export function may_reopen(state: Lifecycle): boolean {
  return !('closing' in state) || is_loss(state.closing)
}

/** Whether the handshake is not done, and may still succeed. */
export function is_unopened({ name }: Lifecycle): boolean {
  return name === 'connecting' || name === 'connecting_again' || name === 'closing_unopened'
}

/** Whether this side has ended the connection, so that further errors are not reported. */
export function is_ending({ name }: Lifecycle): boolean {
  return name === 'close_sent' || name === 'terminated' || name === 'closed'
}

/**
 * Returns how a connection ended when its socket has ended with the peer's Close or with 1006. The code is
 * the peer's; without one, the code of this side's failure; otherwise 1006 (RFC 6455 §7.1.5). `closed_by`: who
 * sent the first Close on an open connection.
 */
export function ending_of(
  state: Lifecycle,
  code: number,
  reason: string,
  is_close_sent: boolean,
  closed_by: 'peer' | 'local' = 'peer',
): Ending {
  const is_closed_by_peer = code !== ABNORMAL_CLOSURE
  const clean = is_closed_by_peer && is_close_sent
  // The cause `network` is set if the peer sent its Close, but did not end the socket in time.
  if (!('closing' in state) || state.closing.cause === 'network') {
    const cause = is_closed_by_peer ? closed_by : is_unopened(state) ? 'refused' : 'network'
    return { code, reason, cause, clean }
  }
  const { cause } = state.closing
  const is_failure = cause === 'protocol' || cause === 'overflow'
  return { ...state.closing, ...(is_closed_by_peer || !is_failure ? { code, reason } : {}), clean }
}

function is_loss({ cause }: Closing): boolean {
  return cause === 'network' || cause === 'heartbeat' || cause === 'refused'
}
