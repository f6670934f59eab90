import type { Cores } from '../process/cores.js'
import type { MemoryInUse } from '../subjects/memory.js'
import type { Subject } from '../subjects/subjects.js'
import { Rig } from './rig.js'
import type { CapacitySettings } from './settings.js'
import { topic_names } from './work.js'

/** What a subscription takes, in bytes, and in microseconds of CPU time to make it. */
export interface SubscriptionCost {
  /** Over how many topics. */
  readonly topics: number
  readonly node_heap_bytes: number
  readonly node_rss_bytes: number
  readonly broker_rss_bytes: number
  readonly node_us: number
  readonly broker_us: number
}

/** What memory a socket takes on which nothing happens. */
export interface SocketCost {
  readonly joined: 'no topic' | 'the same topic' | 'a topic of its own'
  readonly sockets: number
  readonly heap_bytes: number
  readonly rss_bytes: number
}

/** So many come first: what they leave behind, such as compiled code, is not theirs. */
const FIRST = 300

/** Has one socket join many topics, which one node then is subscribed to; the sums are over all of them. */
export async function measure_subscriptions(
  subject: Subject,
  cores: Cores,
  { topics }: CapacitySettings,
): Promise<SubscriptionCost[]> {
  const results: SubscriptionCost[] = []
  for (const count of topics) {
    const rig = await Rig.start(subject, cores, [['first']])
    await rig.open_sockets(0, 1)
    const node = rig.node(0)
    await node.call('join_all', { topics: topic_names(FIRST, 'first') })
    const before = await memory_of(rig)
    const { node_us, broker_us } = await rig.during(() =>
      node.call('join_all', { topics: topic_names(count) }),
    )
    const after = await memory_of(rig)
    await rig.stop()
    results.push({
      topics: count,
      node_heap_bytes: (after.heap_bytes - before.heap_bytes) / count,
      node_rss_bytes: (after.rss_bytes - before.rss_bytes) / count,
      broker_rss_bytes: (after.broker_bytes - before.broker_bytes) / count,
      node_us: (node_us[0] as number) / count,
      broker_us: broker_us / count,
    })
  }
  return results
}

/** Holds sockets that are in none, in one, or in many topics. */
export async function measure_sockets(
  subject: Subject,
  cores: Cores,
  { idle_sockets }: CapacitySettings,
): Promise<SocketCost[]> {
  const results: SocketCost[] = []
  const joined: readonly (readonly [SocketCost['joined'], readonly string[]])[] = [
    ['no topic', []],
    ['the same topic', ['first']],
    ['a topic of its own', topic_names(idle_sockets)],
  ]
  for (const [name, topics] of joined) {
    const rig = await Rig.start(subject, cores, [topics])
    await rig.open_sockets(0, Math.min(FIRST, idle_sockets))
    await rig.close_sockets(0)
    const before = await memory_of(rig)
    await rig.open_sockets(0, idle_sockets)
    const after = await memory_of(rig)
    await rig.stop()
    results.push({
      joined: name,
      sockets: idle_sockets,
      heap_bytes: (after.heap_bytes - before.heap_bytes) / idle_sockets,
      rss_bytes: (after.rss_bytes - before.rss_bytes) / idle_sockets,
    })
  }
  return results
}

async function memory_of(rig: Rig): Promise<MemoryInUse & { broker_bytes: number }> {
  const memory = await rig.node(0).call<MemoryInUse>('memory')
  return { ...memory, broker_bytes: rig.broker.rss_bytes() ?? Number.NaN }
}
