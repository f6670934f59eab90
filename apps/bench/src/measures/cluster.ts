import { SMALL_TEXT } from '../wire/message.js'
import { audience_case, burst_group } from './fan_out.js'
import { type CaseFigures, type Figures, type Measure, type MeasuredLoad, with_cpu_of } from './measure.js'
import { close_members, open_members, start_nodes, TOPIC, with_cpu_of_others } from './nodes.js'
import { measure_receipts, RATE_GROUP } from './receipt_times.js'

/** What is published before all have got it: how many messages, in one turn or in as many turns. */
interface ClusterBurst {
  readonly group: string
  readonly burst: number
  readonly is_spread: boolean
}

export const CLUSTER_BURSTS: readonly ClusterBurst[] = [
  { group: burst_group(1), burst: 1, is_spread: false },
  { group: '16 messages, each in a turn', burst: 16, is_spread: true },
  { group: burst_group(16), burst: 16, is_spread: false },
]

/** What it costs two servers to have a message that is published on one reach many sockets on the other, and how long it takes. */
export const cluster: Measure = {
  name: 'cluster',
  role: 'node',
  needs_fresh_process: false,
  typical_s: 7,
  suits: () => true,
  start: async stage => {
    const { load, settings } = stage
    const audience = settings.cluster_audience
    const nodes = await start_nodes(stage)
    const { publisher } = nodes
    const trigger_port = await publisher.call<number>('listen_for_trigger')
    const run = (burst: number, run_ms: number): Promise<MeasuredLoad> =>
      load.call('fan_out', { shape: SMALL_TEXT, burst, run_ms, trigger_port }, run_ms)
    const measure_burst = async (burst: number, is_spread: boolean): Promise<Figures> => {
      await publisher.call('prepare', { shape: SMALL_TEXT, burst, topic: TOPIC, is_spread })
      await load.call('try_fan_out', { shape: SMALL_TEXT, burst, trigger_port })
      await run(burst, settings.settle_ms)
      const measured = (): Promise<MeasuredLoad> => run(burst, settings.run_ms)
      return with_cpu_of(stage, () => with_cpu_of_others(nodes, audience, measured), [publisher])
    }
    return async () => {
      const results: CaseFigures[] = []
      const case_name = audience_case(audience)
      await open_members(stage, nodes, audience)
      for (const { group, burst, is_spread } of CLUSTER_BURSTS)
        results.push({ group, case_name, figures: await measure_burst(burst, is_spread) })
      results.push({
        group: RATE_GROUP,
        case_name,
        figures: await measure_receipts(stage, nodes, audience),
      })
      await close_members(stage)
      return results
    }
  },
}
