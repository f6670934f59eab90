import { performance } from 'node:perf_hooks'
import { next_turn } from '../turns/real_turns.js'

/** The time for one socket in a turn of the event loop, and for all sockets together. */
const SHARE_MS = 1
const TURN_MS = 10
/**
 * The number of steps that a socket may take before its time is checked, even in a turn whose time is used
 * up. Reading a message is one step, and calling its callback another.
 */
export const STEPS_PER_CHECK = 32

/** A socket that waits for its share of a later turn. */
export interface TurnTaker {
  /** The socket's next turn has begun, and it may continue. */
  turn_began(): void
}

/** The time when the first socket became busy in this turn of the event loop. */
let began_ms: number | undefined
/** The sockets whose share is used up, in order. One immediate is scheduled for each. */
const waiting: TurnTaker[] = []

/**
 * The time when each socket became busy in this turn. It is not kept in the socket, since most are idle in
 * most turns.
 */
const busy_since_ms = new Map<TurnTaker, number>()

/**
 * Returns whether a socket that has taken another {@link STEPS_PER_CHECK} steps may continue; if not,
 * {@link TurnTaker.turn_began} is called in a later turn. All sockets of the thread share a turn of the event
 * loop: when its time is used up, each still gets enough for a peer that sends now and then, and busy ones
 * continue in later turns, one after another.
 */
export function may_continue(taker: TurnTaker): boolean {
  const now_ms = performance.now()
  const turn_began_ms = begin_turn(now_ms)
  const since_ms = busy_since_ms.get(taker)
  if (since_ms === undefined) {
    busy_since_ms.set(taker, now_ms)
    return true
  }
  if (now_ms - since_ms <= SHARE_MS && now_ms - turn_began_ms <= TURN_MS) return true
  waiting.push(taker)
  next_turn(continue_next)
  return false
}

/** Returns the number of sockets that wait for a later turn. */
export function waiting_takers(): number {
  return waiting.length
}

/**
 * Returns the time when the turn began. It ends with the first immediate of the next one, before those that
 * let sockets continue.
 */
function begin_turn(now_ms: number): number {
  if (began_ms === undefined) {
    began_ms = now_ms
    next_turn(end_turn)
  }
  return began_ms
}

function end_turn(): void {
  began_ms = undefined
  busy_since_ms.clear()
}

/**
 * Lets one socket continue. Each has its own immediate: Node runs promise jobs between immediates, and these
 * are part of a socket's share.
 */
function continue_next(): void {
  const now_ms = performance.now()
  if (now_ms - begin_turn(now_ms) <= TURN_MS) waiting.shift()?.turn_began()
  else next_turn(continue_next)
}
