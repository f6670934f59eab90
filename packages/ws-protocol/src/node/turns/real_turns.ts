import { nextTick } from 'node:process'
import { setImmediate } from 'node:timers'

// Fake timers of test runners replace these functions, and sockets would stop for ever. They are captured
// here, since a transform to CommonJS looks an import up at each call.

/** Runs a task after the current operation, also while timers are faked. */
export const next_tick: typeof nextTick = nextTick

/** Runs a task in the next turn of the event loop, also while timers are faked. */
export const next_turn: typeof setImmediate = setImmediate
