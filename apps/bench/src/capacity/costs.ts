import type { Cores } from '../process/cores.js'
import { median } from '../statistics.js'
import { broker_of, type Subject } from '../subjects/subjects.js'
import { fit_line, LOADS, type Load, type NodeCosts } from './model.js'
import { measure_relay, type RelayCost } from './relay.js'
import { Rig, type RunFigures } from './rig.js'
import type { CapacitySettings } from './settings.js'
import { topic_names } from './work.js'

/** A message comes to so many nodes, and reaches so many sockets of each; and so many are published in a second. */
const CASES = [
  { receivers: 0, audience: 0, per_s: { lone: 200, busy: 8_000 } },
  { receivers: 1, audience: 1, per_s: { lone: 200, busy: 8_000 } },
  { receivers: 3, audience: 1, per_s: { lone: 200, busy: 8_000 } },
  { receivers: 1, audience: 10, per_s: { lone: 200, busy: 4_000 } },
  { receivers: 1, audience: 1_000, per_s: { lone: 10, busy: 60 } },
] as const

const MOST_RECEIVERS = 3

/** Those from which it is told what a message costs whoever publishes it: of others there are too few. */
const LARGE_AUDIENCE = 100

const SEED = 7_001
const [PUBLISHER, RECEIVER] = [0, 1]

/** What one message costs everybody who has to do with it, in microseconds of CPU time and in bytes. */
export interface MessageCost {
  readonly load: Load
  /** How many nodes got it, besides the one that published it. */
  readonly receivers: number
  /** How many sockets of each of them got it. */
  readonly audience: number
  readonly messages_per_s: number
  readonly publisher_us: number
  /** Of the first of those that got it. */
  readonly receiver_us: number
  readonly broker_us: number
  readonly broker_in_bytes: number
  readonly broker_out_bytes: number
}

/** What everything costs that a model is made of. */
export interface ModelCosts extends NodeCosts {
  /** What a broker takes for a message that comes, and for each node that it goes to. */
  readonly broker_us_in: number
  readonly broker_us_out: number
}

/** What was measured, and what a model is made of, by how busy nodes are. */
export interface Costs {
  readonly messages: readonly MessageCost[]
  readonly relay: readonly RelayCost[]
  readonly model: Readonly<Record<Load, ModelCosts>>
}

interface Case {
  readonly receivers: number
  readonly audience: number
  readonly per_s: Readonly<Record<Load, number>>
  readonly topics: readonly string[]
  readonly joined: readonly string[]
}

/** Measures what a message costs, by how many nodes and sockets it reaches, and how busy nodes are: one node publishes, and others have the sockets. */
export async function measure_costs(
  subject: Subject,
  cores: Cores,
  settings: CapacitySettings,
): Promise<Costs> {
  const cases = CASES.map(({ receivers, audience, per_s }) =>
    case_of({ receivers, audience: Math.min(audience, settings.sockets), per_s }, settings),
  )
  const rig = await Rig.full(subject, cores, placements_of(cases))
  const run = ({ topics, per_s }: Case, load: Load, run_ms: number, seed: number): Promise<RunFigures> =>
    rig.run({ publishers: [PUBLISHER], topics, messages_per_s: per_s[load], run_ms, seed })
  for (const each of cases) await run(each, 'busy', settings.settle_ms, SEED)
  const idle = await rig.idle(settings.run_ms)
  // By turns, so that a slow minute of the machine is everybody's.
  const tries = cases.flatMap(each => LOADS.map(load => ({ each, load, runs: [] as RunFigures[] })))
  for (let round = 0; round < settings.rounds; round += 1)
    for (const { each, load, runs } of tries) runs.push(await run(each, load, settings.run_ms, SEED + round))
  await rig.stop()
  const messages = tries.map(({ each: { receivers, audience, per_s }, load, runs }): MessageCost => {
    return { load, receivers, audience, messages_per_s: per_s[load], ...cost_of(runs, idle) }
  })
  const idle_us_per_s = median(idle.node_us.map(us => (us / idle.elapsed_ms) * 1000))
  const relay = await measure_relay(broker_of(subject), settings)
  const model = (load: Load): ModelCosts => model_of(messages, relay, load, idle_us_per_s)
  return { messages, relay, model: { lone: model('lone'), busy: model('busy') } }
}

/** Topics that so many sockets are in, each, and the topic of each socket. */
function case_of(
  { receivers, audience, per_s }: Pick<Case, 'receivers' | 'audience' | 'per_s'>,
  { sockets }: CapacitySettings,
): Case {
  const count = Math.max(1, Math.floor(sockets / Math.max(1, audience)))
  const topics = topic_names(count, `to-${receivers}-of-${audience}`)
  const joined = topics.flatMap(topic => Array.from({ length: audience }, () => topic))
  return { receivers, audience, per_s, topics, joined }
}

/** What the sockets of each node join: nothing where messages are published. */
function placements_of(cases: readonly Case[]): string[][] {
  const receivers = Array.from({ length: MOST_RECEIVERS }, (_, number) =>
    cases.filter(each => number < each.receivers).flatMap(({ joined }) => joined),
  )
  return [[], ...receivers]
}

/** Of one message, without what is taken when nothing happens. */
function cost_of(
  runs: readonly RunFigures[],
  idle: RunFigures,
): Omit<MessageCost, 'load' | 'receivers' | 'audience' | 'messages_per_s'> {
  const each = (figure: (run: RunFigures) => number): number =>
    median(
      runs.map(run => {
        const meanwhile = (figure(idle) * run.elapsed_ms) / idle.elapsed_ms
        return (figure(run) - meanwhile) / run.publishes
      }),
    )
  return {
    publisher_us: each(run => run.node_us[PUBLISHER] as number),
    receiver_us: each(run => run.node_us[RECEIVER] as number),
    broker_us: each(run => run.broker_us),
    broker_in_bytes: each(run => run.broker_in_bytes),
    broker_out_bytes: each(run => run.broker_out_bytes),
  }
}

function model_of(
  all: readonly MessageCost[],
  relay: readonly RelayCost[],
  load: Load,
  idle_us_per_s: number,
): ModelCosts {
  const messages = all.filter(cost => cost.load === load)
  const often = messages.filter(({ audience }) => audience < LARGE_AUDIENCE)
  const heard_by_one = messages.filter(({ receivers }) => receivers === 1)
  const node = fit_line(
    heard_by_one.map(({ audience, receiver_us }) => ({ count: audience, us: receiver_us })),
  )
  const relayed = relay.filter(cost => cost.load === load)
  const broker = fit_line(relayed.map(({ receivers, broker_us }) => ({ count: receivers, us: broker_us })))
  return {
    us_per_publish: median(often.map(cost => cost.publisher_us)),
    us_per_heard: node.us_by_itself,
    us_per_delivery: node.us_for_each,
    idle_us_per_s,
    broker_us_in: broker.us_by_itself,
    broker_us_out: broker.us_for_each,
  }
}
