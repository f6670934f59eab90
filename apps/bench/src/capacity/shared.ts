import type { Cores } from '../process/cores.js'
import { median, random_from } from '../statistics.js'
import type { Subject } from '../subjects/subjects.js'
import type { Costs } from './costs.js'
import { type Load, predict, type Work } from './model.js'
import { Rig, type RunFigures } from './rig.js'
import type { CapacitySettings, SharedWork } from './settings.js'
import { topic_names } from './work.js'

const SEED = 9_001

/** The same work, shared by so many nodes: what it took, and what the model says of it. */
export interface SharedRun extends Work {
  readonly nodes: number
  readonly messages_per_s: number
  readonly elapsed_ms: number
  readonly node_us: number
  readonly node_by_model_us: Readonly<Record<Load, number>>
  readonly broker_us: number
  readonly broker_by_model_us: Readonly<Record<Load, number>>
  readonly broker_in_bytes: number
  readonly broker_out_bytes: number
}

/** Has 1, 2 and more nodes do the same work; each socket is on a node that chance has chosen. */
export async function measure_shared(
  subject: Subject,
  cores: Cores,
  settings: CapacitySettings,
  costs: Costs,
): Promise<SharedRun[]> {
  const { shared, rounds, run_ms, settle_ms } = settings
  const results: SharedRun[] = []
  for (const count of settings.node_counts) {
    const rig = await Rig.full(subject, cores, placements_of(shared, count))
    const publishers = Array.from({ length: count }, (_, number) => number)
    for (const messages_per_s of shared.messages_per_s) {
      const task = { publishers, topics: topic_names(shared.topics), messages_per_s, seed: SEED }
      await rig.run({ ...task, run_ms: settle_ms })
      const runs: RunFigures[] = []
      for (let round = 0; round < rounds; round += 1) runs.push(await rig.run({ ...task, run_ms }))
      results.push({ messages_per_s, ...shared_run(count, runs, costs) })
    }
    await rig.stop()
  }
  return results
}

function placements_of({ topics, members }: SharedWork, nodes: number): string[][] {
  const random = random_from(SEED)
  const placements: string[][] = Array.from({ length: nodes }, () => [])
  for (const topic of topic_names(topics))
    for (let member = 0; member < members; member += 1) placements[Math.floor(random() * nodes)]?.push(topic)
  return placements
}

/** Every round has the same schedule, and so the same work. */
function shared_run(
  nodes: number,
  runs: readonly RunFigures[],
  costs: Costs,
): Omit<SharedRun, 'messages_per_s'> {
  const { publishes, heard, deliveries } = runs[0] as RunFigures
  const work = { publishes, heard, deliveries }
  const by_load = (figure: (costs: Costs, load: Load) => number): Readonly<Record<Load, number>> => ({
    lone: figure(costs, 'lone'),
    busy: figure(costs, 'busy'),
  })
  const figure = (of: (run: RunFigures) => number): number => median(runs.map(of))
  const elapsed_ms = figure(run => run.elapsed_ms)
  return {
    nodes,
    ...work,
    elapsed_ms,
    node_us: figure(run => run.node_us.reduce((sum, us) => sum + us, 0)),
    node_by_model_us: by_load(({ model }, load) => predict(model[load], work, nodes, elapsed_ms)),
    broker_us: figure(run => run.broker_us),
    broker_by_model_us: by_load(
      ({ model }, load) => model[load].broker_us_in * publishes + model[load].broker_us_out * heard,
    ),
    broker_in_bytes: figure(run => run.broker_in_bytes),
    broker_out_bytes: figure(run => run.broker_out_bytes),
  }
}
