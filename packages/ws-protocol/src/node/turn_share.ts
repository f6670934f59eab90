import { performance } from 'node:perf_hooks'

/** How long one socket may take in a turn of the event loop, and how long all may take together, in milliseconds. */
const SHARE_MS = 1
const TURN_MS = 10
/** How many steps a socket may take, even in a turn whose time is used up, before its time is checked. */
const STEPS_PER_CHECK = 32

/** What is called when a socket's next turn has begun. */
export interface TurnTaker {
  /** Its share of a turn was used up, and it may go on. */
  turn_began(): void
}

/** The number of this turn of the event loop, and when the first socket was busy in it. */
let turn = 0
let began_ms: number | undefined
/** Those whose share is used up, the first one in front. For each of them an immediate is due. */
const waiting: TurnTaker[] = []

/**
 * The time of one socket in a turn of the event loop. All sockets of the thread share a turn: when its time is used up, each gets little more than
 * what one that sends now and then needs, and those with more to do go on in later turns, one after another.
 */
export class TurnShare {
  readonly #taker: TurnTaker
  #steps = 0
  #turn = -1
  #began_ms = 0

  constructor(taker: TurnTaker) {
    this.#taker = taker
  }

  /**
   * Counts steps: a message is one when it is read, and one when its callback is called. Returns whether there is time for more; if not,
   * {@link TurnTaker.turn_began} is called in a later turn.
   */
  take(steps: number): boolean {
    this.#steps += steps
    if (this.#steps < STEPS_PER_CHECK) return true
    this.#steps = 0
    const now_ms = performance.now()
    const turn_began_ms = begin_turn(now_ms)
    if (this.#turn !== turn) {
      this.#turn = turn
      this.#began_ms = now_ms
      return true
    }
    if (now_ms - this.#began_ms <= SHARE_MS && now_ms - turn_began_ms <= TURN_MS) return true
    waiting.push(this.#taker)
    setImmediate(go_on)
    return false
  }
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
  turn += 1
}

/** One immediate for each, since Node runs promise jobs between them: these are part of a socket's share, too. */
function go_on(): void {
  const now_ms = performance.now()
  if (now_ms - begin_turn(now_ms) <= TURN_MS) waiting.shift()?.turn_began()
  else setImmediate(go_on)
}
