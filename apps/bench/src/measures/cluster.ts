import { SMALL_TEXT } from '../wire/message.js'
import { audience_case, BURSTS, burst_group } from './fan_out.js'
import { type CaseFigures, type Figures, type Measure, type MeasuredLoad, with_cpu_of } from './measure.js'
import { close_members, open_members, start_nodes, TOPIC, with_cpu_of_others } from './nodes.js'
import { measure_receipts, RATE_GROUP } from './receipt_times.js'

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
    const measure_burst = async (burst: number): Promise<Figures> => {
      await publisher.call('prepare', { shape: SMALL_TEXT, burst, topic: TOPIC })
      await load.call('try_fan_out', { shape: SMALL_TEXT, burst, trigger_port })
      await run(burst, settings.settle_ms)
      const measured = (): Promise<MeasuredLoad> => run(burst, settings.run_ms)
      return with_cpu_of(stage, () => with_cpu_of_others(nodes, audience, measured), [publisher])
    }
    return async () => {
      const results: CaseFigures[] = []
      const case_name = audience_case(audience)
      await open_members(stage, nodes, audience)
      for (const burst of BURSTS)
        results.push({ group: burst_group(burst), case_name, figures: await measure_burst(burst) })
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
