import { performance } from 'node:perf_hooks'

/** How long one socket may take in a turn of the event loop, and how long all may take together, in milliseconds. */
const SHARE_MS = 1
const TURN_MS = 10
/**
 * How many steps a socket may take before its time is checked, even in a turn whose time is used up: a message is one when it is read, and one when
 * its callback is called.
 */
export const STEPS_PER_CHECK = 32

/** What is called when a socket's next turn has begun. */
export interface TurnTaker {
  /** Its share of a turn was used up, and it may go on. */
  turn_began(): void
}

/** When the first socket was busy in this turn of the event loop. */
let began_ms: number | undefined
/** Those whose share is used up, the first one in front. For each of them an immediate is due. */
const waiting: TurnTaker[] = []

/** Since when each socket has been busy in this turn, in milliseconds. It is kept here, since most sockets are idle in most turns. */
const busy_since_ms = new Map<TurnTaker, number>()

/**
 * Returns whether a socket that has taken another {@link STEPS_PER_CHECK} steps may go on; if not, {@link TurnTaker.turn_began} is called in a later
 * turn. All sockets of the thread share a turn of the event loop: when its time is used up, each gets little more than what one that sends now and
 * then needs, and those with more to do go on in later turns, one after another.
 */
export function may_go_on(taker: TurnTaker): boolean {
  const now_ms = performance.now()
  const turn_began_ms = begin_turn(now_ms)
  const since_ms = busy_since_ms.get(taker)
  if (since_ms === undefined) {
    busy_since_ms.set(taker, now_ms)
    return true
  }
  if (now_ms - since_ms <= SHARE_MS && now_ms - turn_began_ms <= TURN_MS) return true
  waiting.push(taker)
  setImmediate(go_on)
  return false
}

/** Returns when the turn began; it ends with the first immediate of the next one, before those that let sockets go on. */
function begin_turn(now_ms: number): number {
  if (began_ms === undefined) {
    began_ms = now_ms
    setImmediate(end_turn)
  }
  return began_ms
}

function end_turn(): void {
  began_ms = undefined
  busy_since_ms.clear()
}

/** One immediate for each, since Node runs promise jobs between them: these are part of a socket's share, too. */
function go_on(): void {
  const now_ms = performance.now()
  if (now_ms - begin_turn(now_ms) <= TURN_MS) waiting.shift()?.turn_began()
  else setImmediate(go_on)
}
