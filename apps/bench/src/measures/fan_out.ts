import { SMALL_TEXT } from '../wire/message.js'
import {
  type CaseFigures,
  listen,
  type Measure,
  type MeasuredLoad,
  open_load,
  with_cpu_of,
} from './measure.js'

/** How many messages are sent to all in one turn: one alone, and many. */
export const BURSTS = [1, 16] as const

/** What it costs to send one message to many, for each that gets it. */
export const fan_out: Measure = {
  name: 'fan_out',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 10,
  suits: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const port = await listen(program)
    const trigger_port = await program.call<number>('listen_for_trigger')
    const run = (burst: number, run_ms: number): Promise<MeasuredLoad> =>
      load.call('fan_out', { shape: SMALL_TEXT, burst, run_ms, trigger_port }, run_ms)
    return async () => {
      const results: CaseFigures[] = []
      await open_load(stage, port, 0)
      for (const audience of settings.audiences) {
        await load.call('grow_to', { count: audience })
        for (const burst of BURSTS) {
          await program.call('prepare', { shape: SMALL_TEXT, burst })
          await load.call('try_fan_out', { shape: SMALL_TEXT, burst, trigger_port })
          await run(burst, settings.settle_ms)
          const figures = await with_cpu_of(stage, () => run(burst, settings.run_ms))
          results.push({ group: burst_group(burst), case_name: audience_case(audience), figures })
        }
      }
      await load.call('close')
      return results
    }
  },
}

/** The group of the cases with so many messages in one turn. */
export function burst_group(burst: (typeof BURSTS)[number]): string {
  return burst === 1 ? 'one message' : `${burst} messages in a turn`
}

/** The name of a case with so many sockets to send to. */
export function audience_case(audience: number): string {
  return `to ${audience.toLocaleString('en')}`
}
