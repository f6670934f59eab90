import { SMALL_TEXT } from '../wire/message.js'
import { expect_echo, listen, type Measure, type MeasuredLoad, open_load, with_cpu_of } from './measure.js'

/** Of the schedule, the same for every subject and round. */
const SCHEDULE_SEED = 20_011

/** What a message costs, and how long its answer takes, if each of very many connections sends one a second. */
export const many: Measure = {
  name: 'many',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 6,
  suits: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const count = settings.idle_connections
    const port = await listen(program)
    return async () => {
      await open_load(stage, port, count)
      const answer_bytes = await expect_echo(stage, SMALL_TEXT)
      const task = {
        shape: SMALL_TEXT,
        answer_bytes,
        messages_per_s: count,
        settle_ms: settings.settle_ms,
        run_ms: settings.latency_ms,
        seed: SCHEDULE_SEED,
      }
      const run = (): Promise<MeasuredLoad> => load.call('open_loop', task, settings.latency_ms)
      const figures = await with_cpu_of(stage, run)
      await load.call('close')
      return [{ group: '', case_name: many_case(count), figures }]
    }
  },
}

/** The name of the one case. */
function many_case(count: number): string {
  return `${count.toLocaleString('en')} connections`
}
