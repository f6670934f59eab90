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

/** What happens to messages that clients sent before they received the Close of a server that shuts down. */
export type LateMessages = 'dropped' | 'delivered'

/**
 * Where one connection stands, and thereby what is to be done: `waiting` is entered with a wait before it connects again, `finishing` by
 * reading nothing more, `draining` by sending what waits, `close_sent` with a Close, `terminated` by ending the socket.
 * `closing_unopened`: it was closed while it still opened, with messages waiting.
 */
export type Lifecycle =
  | { readonly name: 'connecting' | 'connecting_again' | 'open' }
  | { readonly name: 'waiting'; readonly ending: Ending }
  | {
      readonly name: 'finishing'
      readonly closing: Closing
      readonly drain_ms: number
      readonly late?: LateMessages | undefined
    }
  | {
      readonly name: 'draining' | 'close_sent'
      readonly closing: Closing
      /** Dropped, unless it says otherwise. */
      readonly late?: LateMessages | undefined
    }
  | { readonly name: 'closing_unopened' | 'terminated'; readonly closing: Closing }
  | { readonly name: 'closed'; readonly ending: Ending }

/** How every connection begins. */
export const CONNECTING: Lifecycle = { name: 'connecting' }

/** How most are nearly all the time: one object does for all of them. */
const OPEN: Lifecycle = { name: 'open' }

/** What can happen to a connection. */
export type LifecycleEvent =
  /** The handshake is done. */
  | { readonly type: 'opened' }
  /** This side wants to close, in order; `has_unsent`: messages still wait. */
  | { readonly type: 'close'; readonly closing: Closing; readonly has_unsent: boolean }
  /** This side wants to close in order, once the callbacks of what has arrived are done, or that time is over. */
  | {
      readonly type: 'finish'
      readonly closing: Closing
      readonly drain_ms: number
      readonly late?: LateMessages
    }
  /** The callbacks of what had arrived are done. */
  | { readonly type: 'finished' }
  /** This side has to close, at once. */
  | { readonly type: 'fail'; readonly closing: Closing }
  /** Nothing is heard of the peer any more. */
  | { readonly type: 'silent' }
  /** Nothing waits to be sent any more. */
  | { readonly type: 'drained' }
  /** The timer has run out; in an open connection, it was started because the peer had sent its Close, or ended its side. */
  | { readonly type: 'timed_out' }
  /** The socket has ended: with the peer's Close, or with 1006. `ending` is {@link ending_of} it; `will_retry`: there may be another one. */
  | { readonly type: 'gone'; readonly ending: Ending; readonly will_retry: boolean | undefined }
  /** The next socket opens. */
  | { readonly type: 'reopen' }

/** Every rule of opening and closing (RFC 6455 §7), pure: the next state, or the same one where an event changes nothing. */
export function step(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  const { name } = state
  if (name === 'closed' || (is_ending(state) && event.type === 'fail')) return state
  switch (event.type) {
    case 'opened':
      if (name === 'connecting' || name === 'connecting_again') return OPEN
      if (name === 'closing_unopened') return { ...state, name: 'draining' }
      break
    case 'close':
      if (name === 'open' || name === 'finishing') return { name: 'draining', closing: event.closing }
      if ('late' in state) return drop_late(state)
      // What was lost, and has not ended yet, ends as this side wants it: nobody connects again for whoever has closed.
      if (name === 'waiting' || (name === 'terminated' && is_loss(state.closing)))
        return { name: 'terminated', closing: event.closing }
      if (name === 'connecting' || name === 'connecting_again')
        return { name: event.has_unsent ? 'closing_unopened' : 'terminated', closing: event.closing }
      break
    case 'finish':
      if (name === 'open') {
        const { type: _, ...rest } = event
        return { name: 'finishing', ...rest }
      }
      break
    case 'finished':
      if (name === 'finishing') return { name: 'draining', closing: state.closing, late: state.late }
      break
    case 'fail':
      return {
        name: name === 'waiting' || is_unopened(state) ? 'terminated' : 'close_sent',
        closing: event.closing,
      }
    case 'silent':
      if (name === 'open') return { name: 'terminated', closing: lost('heartbeat') }
      break
    case 'drained':
      if (name === 'draining') return { ...state, name: 'close_sent' }
      break
    case 'timed_out':
      if (name === 'open') return { name: 'terminated', closing: lost('network') }
      if (name === 'finishing') return { name: 'draining', closing: state.closing }
      if ('closing' in state && name !== 'terminated') return { name: 'terminated', closing: state.closing }
      break
    case 'gone':
      // Whoever has ended it, for whatever reason, wants no other one.
      return {
        name: event.will_retry && (!('closing' in state) || is_loss(state.closing)) ? 'waiting' : 'closed',
        ending: event.ending,
      }
    case 'reopen':
      if (name === 'waiting') return { name: 'connecting_again' }
  }
  return state
}

/** Whether messages that come are delivered. */
export function delivers_messages(state: Lifecycle): boolean {
  const { name } = state
  return name === 'open' || name === 'finishing' || ('late' in state && state.late === 'delivered')
}

/** Whether the handshake is not done, and may still be. */
export function is_unopened({ name }: Lifecycle): boolean {
  return name === 'connecting' || name === 'connecting_again' || name === 'closing_unopened'
}

/** Whether this side has ended the connection: what else is wrong with it is no news. */
export function is_ending({ name }: Lifecycle): boolean {
  return name === 'close_sent' || name === 'terminated' || name === 'closed'
}

/**
 * How a connection ends whose socket does, with the peer's Close or with 1006. What the peer said comes first; without a word of it, what
 * this side failed it with; else 1006 (RFC 6455 §7.1.5).
 */
export function ending_of(state: Lifecycle, code: number, reason: string, is_close_sent: boolean): Ending {
  const is_closed_by_peer = code !== ABNORMAL_CLOSURE
  const clean = is_closed_by_peer && is_close_sent
  // Also if the peer sent its Close, and then did not end the socket in time.
  if (!('closing' in state) || state.closing.cause === 'network') {
    const cause = is_closed_by_peer ? 'peer' : is_unopened(state) ? 'refused' : 'network'
    return { code, reason, cause, clean }
  }
  const { cause } = state.closing
  const is_failure = cause === 'protocol' || cause === 'overflow'
  return { ...state.closing, ...(is_closed_by_peer || !is_failure ? { code, reason } : {}), clean }
}

function drop_late(state: Extract<Lifecycle, { name: 'draining' | 'close_sent' }>): Lifecycle {
  return state.late === 'delivered' ? { ...state, late: 'dropped' } : state
}

function is_loss({ cause }: Closing): boolean {
  return cause === 'network' || cause === 'heartbeat' || cause === 'refused'
}

function lost(cause: 'network' | 'heartbeat'): Closing {
  return { code: ABNORMAL_CLOSURE, reason: '', cause }
}
