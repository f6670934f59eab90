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
 * Where one connection stands. It is being closed in three of these states. `closing_unopened`: it was closed while it still opened, with
 * messages waiting, which go out first. `draining`: what waits goes out, and the Close behind it. `ending`: the Close was sent, or
 * the socket was given up, and it is about to end.
 */
export type Lifecycle =
  | { readonly name: 'connecting' }
  | { readonly name: 'open' }
  | { readonly name: 'closing_unopened' | 'draining' | 'ending'; readonly closing: Closing }
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
  const { name } = state
  if (name !== 'closed') {
    switch (event.type) {
      case 'opened':
        if (name === 'connecting')
          return { state: { name: 'open' }, effects: ['tell_opened', 'announce_open', 'flush'] }
        if (name === 'closing_unopened') return drain(state.closing, 'tell_opened')
        break
      case 'close':
        if (name === 'connecting')
          return event.has_unsent
            ? to('closing_unopened', event.closing, 'start_timer')
            : to('ending', event.closing, 'terminate')
        if (name === 'open') return event.has_unsent ? drain(event.closing) : send_close(event.closing)
        break
      case 'fail':
        if (is_unopened(state)) return to('ending', event.closing, 'terminate')
        if (name !== 'ending') return send_close(event.closing)
        break
      case 'drained':
        if (name === 'draining') return send_close(state.closing)
        break
      case 'timed_out':
        if (name === 'open')
          return to('ending', { code: CLOSE_CODE.ABNORMAL, reason: '', cause: 'network' }, 'terminate')
        if (name !== 'connecting') return to('ending', state.closing, 'terminate')
        break
      case 'gone':
        return { state: { name: 'closed', ending: ending_of(state, event) }, effects: ['finish'] }
    }
  }
  return { state, effects: [] }
}

/** Whether the handshake is not done, and may still be. */
export function is_unopened({ name }: Lifecycle): boolean {
  return name === 'connecting' || name === 'closing_unopened'
}

/** What the peer said comes first; without a word of it, what this side failed it with; else 1006 (RFC 6455 §7.1.5). */
function ending_of(
  state: Exclude<Lifecycle, { name: 'closed' }>,
  { code, reason }: LifecycleEvent & { type: 'gone' },
): Ending {
  const clean = code !== CLOSE_CODE.ABNORMAL
  if (!('closing' in state)) {
    const cause = clean ? 'peer' : state.name === 'connecting' ? 'refused' : 'network'
    return { code, reason, cause, clean }
  }
  const { cause } = state.closing
  return !clean && (cause === 'protocol' || cause === 'overflow')
    ? { ...state.closing, clean }
    : { code, reason, cause, clean }
}

function drain(closing: Closing, ...first: LifecycleEffect[]): Step {
  return to('draining', closing, ...first, 'start_timer', 'flush')
}

function send_close(closing: Closing): Step {
  return to('ending', closing, 'start_timer', 'send_close')
}

function to(
  name: 'closing_unopened' | 'draining' | 'ending',
  closing: Closing,
  ...effects: LifecycleEffect[]
): Step {
  return { state: { name, closing }, effects }
}
