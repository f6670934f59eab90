import { random_from } from './statistics.js'

/** The parameters of a schedule. */
export interface ScheduleTask {
  readonly messages_per_s: number
  /** How long messages are sent before those that count. */
  readonly settle_ms: number
  readonly run_ms: number
  /** The same seed makes the same schedule. */
  readonly seed: number
}

/** The messages of a schedule, in order. */
export interface Schedule {
  /** When each message is due, in milliseconds from the start. */
  readonly due_ms: Float64Array
  /** A random choice for each message, such as its connection. */
  readonly choice: Uint32Array
}

/**
 * Makes a schedule of many independent clients: messages are due at random times (a Poisson process), and
 * each has one of `choices` with equal probability.
 */
export function make_schedule(
  { messages_per_s, settle_ms, run_ms, seed }: ScheduleTask,
  choices: number,
): Schedule {
  const count = Math.max(1, Math.round(((settle_ms + run_ms) / 1000) * messages_per_s))
  const due_ms = new Float64Array(count)
  const choice = new Uint32Array(count)
  const random = random_from(seed)
  let at_ms = 0
  for (let index = 0; index < count; index += 1) {
    at_ms += (-Math.log(1 - random()) * 1000) / messages_per_s
    due_ms[index] = at_ms
    choice[index] = Math.floor(random() * choices)
  }
  return { due_ms, choice }
}

/** Returns the index of the first message that counts, due after `settle_ms`; 0 if there is none. */
export function first_counted_index({ due_ms }: Pick<Schedule, 'due_ms'>, settle_ms: number): number {
  return Math.max(
    0,
    due_ms.findIndex(due => due >= settle_ms),
  )
}
