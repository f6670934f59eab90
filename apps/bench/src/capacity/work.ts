import { make_schedule, type ScheduleTask } from '../schedule.js'
import type { Work } from './model.js'

/** What is published, by which nodes, and to which topics. */
export interface RunTask {
  /** The numbers of the nodes, which share it evenly. */
  readonly publishers: readonly number[]
  readonly topics: readonly string[]
  readonly messages_per_s: number
  readonly run_ms: number
  readonly seed: number
}

/** How many sockets of a node are in each topic. */
export type Members = ReadonlyMap<string, number>

type Tally = { -readonly [Count in keyof Work]: number }

/**
 * What a task is for each node: schedules are drawn by seeds, so it is known beforehand. Redis sends a publisher its own messages, too, where it has
 * subscribed to them; NATS can be told not to.
 */
export function work_of(task: RunTask, nodes: readonly Members[], hears_itself: boolean): Work[] {
  const work = nodes.map((): Tally => ({ publishes: 0, heard: 0, deliveries: 0 }))
  for (const publisher of task.publishers) {
    const { choice } = make_schedule(schedule_of(task, publisher), task.topics.length)
    const publishing = work[publisher] as Tally
    publishing.publishes += choice.length
    for (const topic of choice)
      for (const [number, members] of nodes.entries()) {
        const there = members.get(task.topics[topic] as string) ?? 0
        const mine = work[number] as Tally
        mine.deliveries += there
        if (there > 0 && (number !== publisher || hears_itself)) mine.heard += 1
      }
  }
  return work
}

/** The part of a task that is one node's. */
export function schedule_of(
  { messages_per_s, publishers, run_ms, seed }: RunTask,
  publisher: number,
): ScheduleTask {
  return {
    messages_per_s: messages_per_s / publishers.length,
    settle_ms: 0,
    run_ms,
    seed: seed + publisher,
  }
}

/** So many names of topics. */
export function topic_names(count: number, stem = 'topic'): string[] {
  return Array.from({ length: count }, (_, index) => `${stem}-${index}`)
}

/** How many sockets are in each topic where each has joined one of these. */
export function counts_of(topics: readonly string[]): Members {
  const counts = new Map<string, number>()
  for (const topic of topics) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  return counts
}

/** All work together. */
export function sum_of(work: readonly Work[]): Work {
  const sum: Tally = { publishes: 0, heard: 0, deliveries: 0 }
  for (const { publishes, heard, deliveries } of work) {
    sum.publishes += publishes
    sum.heard += heard
    sum.deliveries += deliveries
  }
  return sum
}
