import type { Program } from '../process/program.js'
import type { Figures } from '../results.js'
import type { Settings } from '../settings.js'
import { median } from '../statistics.js'
import type { Subject } from '../subjects/subjects.js'
import { SMALL_TEXT } from '../wire/message.js'
import {
  expect_echo,
  listen,
  type Measure,
  type MeasuredLoad,
  open_load,
  SCHEDULE_SEED,
  type Stage,
  with_cpu_of,
} from './measure.js'

/** The fixed rates, as parts of the most that plain `ws` takes. */
const PARTS = [0.25, 0.5, 0.75] as const

/** How often the most that `ws` takes is measured; the median counts. */
const TRIES = 3

/** How long an answer takes at fixed rates, from when its message was due. */
export const latency: Measure = {
  name: 'latency',
  role: 'server',
  needs_fresh_process: false,
  suits: () => true,
  start: async stage => {
    const most_per_s = await stage.saturation_per_s()
    const port = await listen(stage.program)
    return async () => {
      const measure_rate = await open_for_rates(stage, port, stage.settings.connections)
      const results = []
      for (const part of PARTS) {
        const rate_per_s = most_per_s * part
        const figures = { ...(await measure_rate(rate_per_s)), rate_per_s }
        results.push({ group: '', case_name: `${part * 100} % of the ws maximum`, figures })
      }
      await stage.load.call('close')
      return results
    }
  },
}

/** What a message costs, and how long its answer takes, if each of very many connections sends one a second. */
export const many: Measure = {
  name: 'many',
  role: 'server',
  needs_fresh_process: false,
  suits: () => true,
  start: async stage => {
    const count = stage.settings.idle_connections
    const port = await listen(stage.program)
    return async () => {
      const measure_rate = await open_for_rates(stage, port, count)
      const figures = await measure_rate(count)
      await stage.load.call('close')
      return [{ group: '', case_name: `${count.toLocaleString('en')} connections`, figures }]
    }
  },
}

/** Opens connections, and returns what measures a rate on them. */
async function open_for_rates(
  stage: Stage,
  port: number,
  connections: number,
): Promise<(messages_per_s: number) => Promise<Figures>> {
  const { load, settings } = stage
  const { settle_ms, latency_ms } = settings
  await open_load(stage, port, connections)
  const answer_bytes = await expect_echo(stage, SMALL_TEXT)
  return messages_per_s => {
    const schedule = { messages_per_s, settle_ms, run_ms: latency_ms, seed: SCHEDULE_SEED }
    const task = { shape: SMALL_TEXT, answer_bytes, ...schedule }
    return with_cpu_of(stage, () => load.call('open_loop', task, latency_ms))
  }
}

/** The most messages a second that plain `ws` answers, with one under way on each connection. */
export async function saturation(
  subject: Subject,
  program: Program,
  load: Program,
  settings: Settings,
): Promise<number> {
  await open_load({ load, subject }, await listen(program), settings.connections)
  const answer_bytes = await expect_echo({ program, load }, SMALL_TEXT)
  const rates: number[] = []
  // The first is discarded: the code that it runs is not compiled yet.
  for (let done = 0; done <= TRIES; done += 1) {
    const task = { shapes: [SMALL_TEXT], depth: 1, run_ms: settings.run_ms, answer_bytes: [answer_bytes] }
    const { messages, elapsed_ms } = await load.call<MeasuredLoad>('closed_loop', task, task.run_ms)
    if (done > 0) rates.push((messages / elapsed_ms) * 1000)
  }
  await load.call('close')
  return median(rates)
}
