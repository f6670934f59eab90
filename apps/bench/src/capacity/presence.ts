import type { Cores } from '../process/cores.js'
import type { Subject } from '../subjects/subjects.js'
import { Rig } from './rig.js'
import type { CapacitySettings } from './settings.js'

/** What it takes that so many nodes, on which nothing happens, know of each other; in a second. */
export interface Presence {
  readonly nodes: number
  readonly node_us: number
  readonly broker_us: number
  readonly broker_in_bytes: number
  readonly broker_out_bytes: number
}

/** Lets nodes do nothing. */
export async function measure_presence(
  subject: Subject,
  cores: Cores,
  { node_counts, idle_ms }: CapacitySettings,
): Promise<Presence[]> {
  const results: Presence[] = []
  for (const nodes of node_counts) {
    const rig = await Rig.start(
      subject,
      cores,
      Array.from({ length: nodes }, () => []),
    )
    // Those that are new ask each other who is there, and then tidy up their memory.
    await rig.idle(idle_ms)
    const { elapsed_ms, node_us, ...broker } = await rig.idle(idle_ms)
    await rig.stop()
    const in_a_second = (figure: number): number => (figure / elapsed_ms) * 1000
    results.push({
      nodes,
      node_us: in_a_second(node_us.reduce((sum, us) => sum + us, 0) / nodes),
      broker_us: in_a_second(broker.broker_us),
      broker_in_bytes: in_a_second(broker.broker_in_bytes),
      broker_out_bytes: in_a_second(broker.broker_out_bytes),
    })
  }
  return results
}
