import type { Cores } from '../process/cores.js'
import type { Machine } from '../results.js'
import type { Subject, SubjectName } from '../subjects/subjects.js'
import { type Costs, measure_costs } from './costs.js'
import { measure_sockets, measure_subscriptions, type SocketCost, type SubscriptionCost } from './memory.js'
import { measure_presence, type Presence } from './presence.js'
import type { CapacitySettings } from './settings.js'
import { measure_shared, type SharedRun } from './shared.js'
import { measure_unwanted } from './unwanted.js'

/** How many messages are published to topics that a node has no member of. */
const UNWANTED = 10_000

/** What was found out about servers on one broker. */
export interface BrokerCapacity {
  readonly subject: SubjectName
  readonly label: string
  readonly version: string
  readonly costs: Costs
  readonly shared: readonly SharedRun[]
  readonly presence: readonly Presence[]
  readonly subscriptions: readonly SubscriptionCost[]
  readonly sockets: readonly SocketCost[]
}

/** What a node that has no member of any topic is told of messages, and takes for that. */
export interface UnwantedCost {
  readonly subject: SubjectName
  readonly label: string
  readonly messages: number
  readonly heard_bytes: number
  readonly node_us: number
}

/** All of a run: what `capacity.json` holds. */
export interface Capacity {
  readonly date: string
  readonly machine: Machine
  readonly settings: CapacitySettings
  /** What was not as it should be, in words. */
  readonly notes: readonly string[]
  readonly brokers: readonly BrokerCapacity[]
  readonly unwanted: readonly UnwantedCost[]
}

/** Measures what one broker and servers on it take. */
export async function measure_broker(
  subject: Subject,
  cores: Cores,
  settings: CapacitySettings,
): Promise<BrokerCapacity> {
  const costs = await measure_costs(subject, cores, settings)
  return {
    subject: subject.name,
    label: subject.label,
    version: subject.version,
    costs,
    shared: await measure_shared(subject, cores, settings, costs),
    presence: await measure_presence(subject, cores, settings),
    subscriptions: await measure_subscriptions(subject, cores, settings),
    sockets: await measure_sockets(subject, cores, settings),
  }
}

/** Measures what a node takes for messages that nobody on it gets, besides what one that somebody gets takes. */
export async function measure_unwanted_cost(subject: Subject, cores: Cores): Promise<UnwantedCost> {
  const { messages, heard, wanted, node_us } = await measure_unwanted(subject, cores, UNWANTED)
  return {
    subject: subject.name,
    label: subject.label,
    messages,
    heard_bytes: heard.length - wanted.length,
    node_us,
  }
}
