import type { Program } from '../process/program.js'
import type { Settings } from '../settings.js'
import { median } from '../statistics.js'
import type { Subject } from '../subjects/subjects.js'
import { SMALL_TEXT } from '../wire/message.js'
import {
  type CaseFigures,
  expect_echo,
  listen,
  type Measure,
  type MeasuredLoad,
  open_load,
  with_cpu_of,
} from './measure.js'

/** What messages are sent at, as parts of what plain `ws` takes at most. */
const PARTS = [0.25, 0.5, 0.75] as const

/** Of the schedule, the same for every subject and round: they are compared by the same traffic. */
const SCHEDULE_SEED = 20_011

/** How often what `ws` takes at most is measured, to take the median. */
const TRIES = 3

/** How long an answer takes at fixed rates, from when its message was due. */
export const latency: Measure = {
  name: 'latency',
  role: 'server',
  needs_fresh_process: false,
  typical_s: 7,
  suits: () => true,
  start: async stage => {
    const { program, load, settings } = stage
    const most_per_s = await stage.saturation_per_s()
    const port = await listen(program)
    return async () => {
      const results: CaseFigures[] = []
      await open_load(stage, port, settings.connections)
      const answer_bytes = await expect_echo(stage, SMALL_TEXT)
      for (const part of PARTS) {
        const task = {
          shape: SMALL_TEXT,
          answer_bytes,
          messages_per_s: most_per_s * part,
          settle_ms: settings.settle_ms,
          run_ms: settings.latency_ms,
          seed: SCHEDULE_SEED,
        }
        const run = (): Promise<MeasuredLoad> => load.call('open_loop', task, settings.latency_ms)
        const figures = { ...(await with_cpu_of(stage, run)), rate_per_s: task.messages_per_s }
        results.push({ group: '', case_name: rate_case(part), figures })
      }
      await load.call('close')
      return results
    }
  },
}

/** The name of the case at that part of what plain `ws` takes at most. */
export function rate_case(part: (typeof PARTS)[number]): string {
  return `${part * 100} % of the ws maximum`
}

/** How many messages a second plain `ws` takes at most from as many connections: one under way on each, as fast as answers come. */
export async function saturation(
  subject: Subject,
  program: Program,
  load: Program,
  settings: Settings,
): Promise<number> {
  await open_load({ load, subject }, await listen(program), settings.connections)
  const answer_bytes = await expect_echo({ program, load }, SMALL_TEXT)
  const rates: number[] = []
  // The first is thrown away: what it runs is not compiled yet.
  for (let done = 0; done <= TRIES; done += 1) {
    const task = { shapes: [SMALL_TEXT], depth: 1, run_ms: settings.run_ms, answer_bytes: [answer_bytes] }
    const { messages, elapsed_ms } = await load.call<MeasuredLoad>('closed_loop', task, task.run_ms)
    if (done > 0) rates.push((messages / elapsed_ms) * 1000)
  }
  await load.call('close')
  return median(rates)
}
