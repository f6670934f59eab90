import { ABNORMAL_CLOSURE } from './close_code.js'
import type { CloseCause } from './close_info.js'

/** With what a connection is being closed, and why. */
export interface Closing {
  readonly code: number
  readonly reason: string
  readonly cause: CloseCause
}

/** How a connection ended, before what was left unsent is counted. */
export interface Ending extends Closing {
  /** Whether the peer's Close was received. */
  readonly clean: boolean
}

/**
 * Where one connection stands, and thereby what is to be done: whoever enters `draining` sends what waits, `close_sent` is entered with
 * a Close, `terminated` by ending the socket. `closing_unopened`: it was closed while it still opened, with messages waiting.
 */
export type Lifecycle =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  | {
      readonly name: 'closing_unopened' | 'draining' | 'close_sent' | 'terminated'
      readonly closing: Closing
    }
  | { readonly name: 'closed'; readonly ending: Ending }

/** What can happen to a connection. */
export type LifecycleEvent =
  /** The handshake is done. */
  | { readonly type: 'opened' }
  /** This side wants to close, in order; `has_unsent`: messages still wait. */
  | { readonly type: 'close'; readonly closing: Closing; readonly has_unsent: boolean }
  /** This side has to close, at once. */
  | { readonly type: 'fail'; readonly closing: Closing }
  /** Nothing waits to be sent any more. */
  | { readonly type: 'drained' }
  /** The close timer has run out; in an open connection, it was started since the peer had ended its side. */
  | { readonly type: 'timed_out' }
  /** The socket has ended: with the peer's Close, or with 1006. */
  | { readonly type: 'gone'; readonly code: number; readonly reason: string }

/** Every rule of opening and closing (RFC 6455 §7), pure: the next state, or the same one where an event changes nothing. */
export function step(state: Lifecycle, event: LifecycleEvent): Lifecycle {
  const { name } = state
  if (name === 'closed' || (is_ending(state) && event.type === 'fail')) return state
  switch (event.type) {
    case 'opened':
      if (name === 'connecting') return { name: 'open' }
      if (name === 'closing_unopened') return { ...state, name: 'draining' }
      break
    case 'close':
      if (name === 'open') return { name: 'draining', closing: event.closing }
      if (name === 'connecting')
        return { name: event.has_unsent ? 'closing_unopened' : 'terminated', closing: event.closing }
      break
    case 'fail':
      return { name: is_unopened(state) ? 'terminated' : 'close_sent', closing: event.closing }
    case 'drained':
      if (name === 'draining') return { ...state, name: 'close_sent' }
      break
    case 'timed_out':
      if (name === 'open')
        return { name: 'terminated', closing: { code: ABNORMAL_CLOSURE, reason: '', cause: 'network' } }
      if (name !== 'connecting' && name !== 'terminated') return { ...state, name: 'terminated' }
      break
    case 'gone':
      return { name: 'closed', ending: ending_of(state, event) }
  }
  return state
}

/** Whether the handshake is not done, and may still be. */
export function is_unopened({ name }: Lifecycle): boolean {
  return name === 'connecting' || name === 'closing_unopened'
}

/** Whether this side has ended the connection: what else is wrong with it is no news. */
export function is_ending({ name }: Lifecycle): boolean {
  return name === 'close_sent' || name === 'terminated' || name === 'closed'
}

/** What the peer said comes first; without a word of it, what this side failed it with; else 1006 (RFC 6455 §7.1.5). */
function ending_of(state: Exclude<Lifecycle, { name: 'closed' }>, { code, reason }: Closed): Ending {
  const clean = code !== ABNORMAL_CLOSURE
  if (!('closing' in state)) {
    const cause = clean ? 'peer' : state.name === 'open' ? 'network' : 'refused'
    return { code, reason, cause, clean }
  }
  const { cause } = state.closing
  const is_failure = cause === 'protocol' || cause === 'overflow'
  return { ...state.closing, ...(clean || !is_failure ? { code, reason } : {}), clean }
}

type Closed = LifecycleEvent & { type: 'gone' }
