import type { CaseFigures, Figures } from '../results.js'
import { SMALL_TEXT } from '../wire/message.js'
import { listen, type Measure, type MeasuredLoad, open_load, type Stage, with_cpu_of } from './measure.js'

/** How many messages are sent to all sockets in one turn of the event loop. */
const BURSTS = [1, 16] as const

/** Measures the CPU time per socket of sending a message to many sockets. */
export const fan_out: Measure = {
  name: 'fan_out',
  role: 'server',
  needs_fresh_process: false,
  applies_to: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const port = await listen(program)
    const trigger_port = await program.call<number>('listen_for_trigger')
    return async () => {
      const results: CaseFigures[] = []
      await open_load(stage, port, 0)
      for (const audience of settings.audiences) {
        await load.call('grow_to', { count: audience })
        for (const burst of BURSTS) {
          await program.call('prepare', { shape: SMALL_TEXT, burst })
          const figures = await measure_bursts(stage, trigger_port, burst, run => with_cpu_of(stage, run))
          results.push({ group: burst_group(burst), case_name: audience_case(audience), figures })
        }
      }
      await load.call('close')
      return results
    }
  },
}

/** Checks one burst on the open connections, then runs bursts, first without measuring them. */
export async function measure_bursts(
  { load, settings }: Stage,
  trigger_port: number,
  burst: number,
  measured: (run: () => Promise<MeasuredLoad>) => Promise<Figures>,
): Promise<Figures> {
  const task = { shape: SMALL_TEXT, burst, trigger_port }
  const run = (run_ms: number): Promise<MeasuredLoad> => load.call('fan_out', { ...task, run_ms }, run_ms)
  await load.call('try_fan_out', task)
  await run(settings.settle_ms)
  return measured(() => run(settings.run_ms))
}

/** Returns the group of the cases with this many messages in one turn. */
export function burst_group(burst: (typeof BURSTS)[number]): string {
  return burst === 1 ? 'one message' : `${burst} messages in a turn`
}

/** Returns the name of a case with this many sockets. */
export function audience_case(audience: number): string {
  return `to ${audience.toLocaleString('en')}`
}
