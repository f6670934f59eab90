import type { ReceiptTimes } from '../load/receipts.js'
import { quantile } from '../statistics.js'
import type { Published } from '../subjects/publish_schedule.js'
import { SMALL_TEXT } from '../wire/message.js'
import { cpu_during, type Figures, type MeasuredLoad, type Stage } from './measure.js'
import { TOPIC, type TwoNodes, with_cpu_of_others } from './nodes.js'

/** Few enough that nobody is near the most that it can do, with a thousand sockets to each message. */
const PUBLISHES_PER_S = 25

/** Of the schedule, the same for every subject and round. */
const SCHEDULE_SEED = 20_011

/** The group of what is measured at that rate. */
export const RATE_GROUP: string = `${PUBLISHES_PER_S} messages a second`

/** How long it takes from a publish on one node until each of so many sockets on the other has the message. */
export function measure_receipts(stage: Stage, nodes: TwoNodes, audience: number): Promise<Figures> {
  const { load, settings } = stage
  const { publisher } = nodes
  const task = {
    shape: SMALL_TEXT,
    topics: [TOPIC],
    messages_per_s: PUBLISHES_PER_S,
    settle_ms: settings.settle_ms,
    run_ms: settings.latency_ms,
    seed: SCHEDULE_SEED,
  }
  return stage.repeats.least_disturbed(async () => {
    let published: Published = { at_us: [], late_us: [], first: 0 }
    const run = async (): Promise<MeasuredLoad> => {
      await load.call('expect', { shape: SMALL_TEXT })
      published = await publisher.call('publish_on_schedule', task, settings.latency_ms)
      return load.call('received', { messages: published.at_us.length * audience })
    }
    const cpu = await cpu_during(stage, () => with_cpu_of_others(nodes, audience, run), [publisher])
    const { at_us, late_us, first } = published
    const times = await load.call<ReceiptTimes>('receipt_times', { published_us: at_us, first })
    const late_p99_us = quantile(late_us.slice(first).sort(ascending), 0.99)
    return { ...cpu, ...times, publisher_late_p99_us: late_p99_us, rate_per_s: PUBLISHES_PER_S }
  })
}

function ascending(a: number, b: number): number {
  return a - b
}
