import { random_from } from './statistics.js'

/** How a schedule is to be. */
export interface ScheduleTask {
  readonly messages_per_s: number
  /** For so long messages are sent that are not counted, to begin with. */
  readonly settle_ms: number
  readonly run_ms: number
  /** The same seed makes the same schedule. */
  readonly seed: number
}

/** When each message is due, in milliseconds from the start, and a choice that chance has made for it. */
export interface Schedule {
  readonly due_ms: Float64Array
  readonly choice: Uint32Array
}

/** Like many that know nothing of each other, messages come at random (a Poisson process); each goes to one of `choices`, as likely as any other. */
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

/** The number of the first message that counts: those before it are to settle. Where there is none it is the first of all. */
export function first_that_counts({ due_ms }: Pick<Schedule, 'due_ms'>, settle_ms: number): number {
  return Math.max(
    0,
    due_ms.findIndex(due => due >= settle_ms),
  )
}
