import { CLOSE_CODE, type CloseCause } from './close_code.js'

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
 * Where one connection stands.
 *
 * `closing` has three phases. `opening`: closed while it still opened, with messages waiting, which go out first. `draining`:
 * what waits goes out, and the Close behind it. `ending`: the Close was sent, or the socket was given up, and it is about to end.
 */
export type Lifecycle =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  | { readonly name: 'closing'; readonly phase: 'opening' | 'draining' | 'ending'; readonly closing: Closing }
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

/** What a connection does when it goes from one state to the next. */
export type LifecycleEffect =
  /** Tell the owner that the connection is open. */
  | 'tell_opened'
  /** Run `on_open`. */
  | 'announce_open'
  /** Write what waits. */
  | 'flush'
  /** Start the close timer, or start it anew. */
  | 'start_timer'
  /** Write the Close. */
  | 'send_close'
  /** End the socket without waiting. */
  | 'terminate'
  /** Stop the timer, settle everything, run `on_close`. */
  | 'finish'

/** The next state, and what to do on the way. */
export interface Step {
  readonly state: Lifecycle
  readonly effects: readonly LifecycleEffect[]
}

/** Every rule of opening and closing (RFC 6455 §7), pure: nothing happens here. An event that changes nothing has no effects. */
export function step(state: Lifecycle, event: LifecycleEvent): Step {
  if (event.type === 'gone') return gone(state, event.code, event.reason)
  switch (state.name) {
    case 'connecting':
      return while_connecting(state, event)
    case 'open':
      return while_open(state, event)
    case 'closing':
      return while_closing(state, event)
    case 'closed':
      return stay(state)
  }
}

type EventBeforeTheEnd = Exclude<LifecycleEvent, { type: 'gone' }>

function while_connecting(state: Lifecycle, event: EventBeforeTheEnd): Step {
  switch (event.type) {
    case 'opened':
      return { state: { name: 'open' }, effects: ['tell_opened', 'announce_open', 'flush'] }
    case 'close':
      return event.has_unsent
        ? { state: { name: 'closing', phase: 'opening', closing: event.closing }, effects: ['start_timer'] }
        : give_up(event.closing)
    case 'fail':
      return give_up(event.closing)
    default:
      return stay(state)
  }
}

function while_open(state: Lifecycle, event: EventBeforeTheEnd): Step {
  switch (event.type) {
    case 'close':
      return event.has_unsent ? drain(event.closing) : send_close(event.closing)
    case 'fail':
      return send_close(event.closing)
    case 'timed_out':
      return give_up({ code: CLOSE_CODE.ABNORMAL, reason: '', cause: 'network' })
    default:
      return stay(state)
  }
}

function while_closing(state: Lifecycle & { name: 'closing' }, event: EventBeforeTheEnd): Step {
  if (event.type === 'timed_out') return give_up(state.closing)
  if (event.type === 'fail' && state.phase !== 'ending') {
    return state.phase === 'opening' ? give_up(event.closing) : send_close(event.closing)
  }
  if (event.type === 'opened' && state.phase === 'opening') {
    const { state: draining, effects } = drain(state.closing)
    return { state: draining, effects: ['tell_opened', ...effects] }
  }
  if (event.type === 'drained' && state.phase === 'draining') return send_close(state.closing)
  return stay(state)
}

function gone(state: Lifecycle, code: number, reason: string): Step {
  if (state.name === 'closed') return stay(state)
  return { state: { name: 'closed', ending: ending_of(state, code, reason) }, effects: ['finish'] }
}

/** What the peer said comes first; without a word of it, what this side failed it with; else 1006 (RFC 6455 §7.1.5). */
function ending_of(state: Exclude<Lifecycle, { name: 'closed' }>, code: number, reason: string): Ending {
  const closing = state.name === 'closing' ? state.closing : undefined
  if (code !== CLOSE_CODE.ABNORMAL) return { code, reason, cause: closing?.cause ?? 'peer', clean: true }
  if (closing?.cause === 'protocol') return { ...closing, clean: false }
  const cause = closing?.cause ?? (state.name === 'connecting' ? 'refused' : 'network')
  return { code, reason, cause, clean: false }
}

function drain(closing: Closing): Step {
  return { state: { name: 'closing', phase: 'draining', closing }, effects: ['start_timer', 'flush'] }
}

function send_close(closing: Closing): Step {
  return { state: { name: 'closing', phase: 'ending', closing }, effects: ['start_timer', 'send_close'] }
}

function give_up(closing: Closing): Step {
  return { state: { name: 'closing', phase: 'ending', closing }, effects: ['terminate'] }
}

function stay(state: Lifecycle): Step {
  return { state, effects: [] }
}
