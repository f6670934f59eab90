import type { Cores } from '../process/cores.js'
import { spread_of } from '../statistics.js'
import type { Subject } from '../subjects/subjects.js'
import { fit_heard, type NodeCosts } from './model.js'
import { Rig, type RunFigures } from './rig.js'
import type { CapacitySettings } from './settings.js'

/** How busy nodes are: each message comes when nothing else is to be done, or there is always something. */
export const LOADS = ['lone', 'busy'] as const

export type Load = (typeof LOADS)[number]

/** A message reaches so many sockets, and so many are published in a second. */
const CASES = [
  { audience: 0, per_s: { lone: 200, busy: 8_000 } },
  { audience: 1, per_s: { lone: 200, busy: 8_000 } },
  { audience: 10, per_s: { lone: 200, busy: 4_000 } },
  { audience: 1_000, per_s: { lone: 10, busy: 60 } },
] as const

/** Those from which it is told what a message costs whoever publishes it: of others there are too few. */
const LARGE_AUDIENCE = 100

const SEED = 7_001
const [PUBLISHER, RECEIVER] = [0, 1]

/** What one message costs everybody who has to do with it, in microseconds of CPU time and in bytes. */
export interface MessageCost {
  readonly load: Load
  /** How many sockets of the receiving node got it; with none, that is not subscribed to the topic. */
  readonly audience: number
  readonly messages_per_s: number
  readonly publisher_us: number
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
  readonly model: Readonly<Record<Load, ModelCosts>>
}

interface Case {
  readonly audience: number
  readonly per_s: Readonly<Record<Load, number>>
  readonly topics: readonly string[]
  readonly joined: readonly string[]
}

/** Measures what a message costs, by how many sockets it reaches, and how busy nodes are: one node publishes, and another has all sockets. */
export async function measure_costs(
  subject: Subject,
  cores: Cores,
  settings: CapacitySettings,
): Promise<Costs> {
  const messages: MessageCost[] = []
  const cases = CASES.map(({ audience, per_s }) =>
    case_of(Math.min(audience, settings.sockets), per_s, settings),
  )
  const rig = await Rig.full(subject, cores, [[], cases.flatMap(({ joined }) => joined)])
  const run = ({ topics, per_s }: Case, load: Load, run_ms: number, seed: number): Promise<RunFigures> =>
    rig.run({ publishers: [PUBLISHER], topics, messages_per_s: per_s[load], run_ms, seed })
  for (const each of cases) await run(each, 'busy', settings.settle_ms, SEED)
  const idle = await rig.idle(settings.run_ms)
  for (const each of cases)
    for (const load of LOADS) {
      const runs: RunFigures[] = []
      for (let round = 0; round < settings.rounds; round += 1)
        runs.push(await run(each, load, settings.run_ms, SEED + round))
      const { audience, per_s } = each
      messages.push({ load, audience, messages_per_s: per_s[load], ...cost_of(runs, idle) })
    }
  await rig.stop()
  const idle_us_per_s = median(idle.node_us.map(us => (us / idle.elapsed_ms) * 1000))
  const model = (load: Load): ModelCosts => model_of(messages, load, idle_us_per_s)
  return { messages, model: { lone: model('lone'), busy: model('busy') } }
}

/** So many names of topics. */
export function names(count: number, stem = 'topic'): string[] {
  return Array.from({ length: count }, (_, index) => `${stem}-${index}`)
}

export function median(figures: readonly number[]): number {
  return spread_of(figures).median
}

/** Topics that so many sockets are in, each, and the topic of each socket. */
function case_of(audience: number, per_s: Case['per_s'], { sockets }: CapacitySettings): Case {
  const topics = names(Math.max(1, Math.floor(sockets / Math.max(1, audience))), `to-${audience}`)
  return {
    audience,
    per_s,
    topics,
    joined: topics.flatMap(topic => Array.from({ length: audience }, () => topic)),
  }
}

/** Of one message, without what is taken when nothing happens. */
function cost_of(
  runs: readonly RunFigures[],
  idle: RunFigures,
): Omit<MessageCost, 'load' | 'audience' | 'messages_per_s'> {
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

function model_of(all: readonly MessageCost[], load: Load, idle_us_per_s: number): ModelCosts {
  const messages = all.filter(cost => cost.load === load)
  const heard = messages.filter(({ audience }) => audience > 0)
  const often = messages.filter(({ audience }) => audience < LARGE_AUDIENCE)
  const [unheard] = messages.filter(({ audience }) => audience === 0)
  const [heard_by_one] = heard
  const broker_us_in = unheard?.broker_us ?? Number.NaN
  return {
    us_per_publish: median(often.map(cost => cost.publisher_us)),
    ...fit_heard(heard.map(({ audience, receiver_us }) => ({ audience, us: receiver_us }))),
    idle_us_per_s,
    broker_us_in,
    broker_us_out: (heard_by_one?.broker_us ?? Number.NaN) - broker_us_in,
  }
}
