import { now_us } from '../process/clock.js'
import { first_that_counts, make_schedule, type ScheduleTask } from '../schedule.js'

/** What was published when. */
export interface Published {
  /** When each message was, by the clock that all processes share. */
  readonly at_us: readonly number[]
  /** The number of the first message that counts: those before it were to settle. */
  readonly first: number
  /** How long after they were due they were published. */
  readonly late_us: readonly number[]
}

/** Publishes by a schedule, each message to one of so many topics, and waits for nobody meanwhile. */
export function publish_on_schedule(
  task: ScheduleTask,
  topics: number,
  publish: (topic: number) => void,
): Promise<Published> {
  const schedule = make_schedule(task, topics)
  const { due_ms, choice } = schedule
  const at_us: number[] = []
  const late_us: number[] = []
  const start_us = now_us()
  const due_us = (index: number): number => start_us + (due_ms[index] as number) * 1000
  return new Promise(resolve => {
    const publish_what_is_due = (): void => {
      for (let now = now_us(); at_us.length < due_ms.length && due_us(at_us.length) <= now; now = now_us()) {
        late_us.push(now - due_us(at_us.length))
        at_us.push(now)
        publish(choice[at_us.length - 1] as number)
      }
      if (at_us.length === due_ms.length)
        resolve({ at_us, late_us, first: first_that_counts(schedule, task.settle_ms) })
      else setTimeout(publish_what_is_due, (due_us(at_us.length) - now_us()) / 1000)
    }
    publish_what_is_due()
  })
}
