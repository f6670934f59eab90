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

/** The fixed rates, as fractions of the maximum of plain `ws`. */
const RATE_FRACTIONS = [0.25, 0.5, 0.75] as const

/** How many times the maximum of `ws` is measured. The median counts. */
const SATURATION_RUNS = 3

/** Measures response times at fixed rates, from when messages were due. */
export const latency: Measure = {
  name: 'latency',
  role: 'server',
  needs_fresh_process: false,
  applies_to: () => true,
  start: async stage => {
    const max_per_s = await stage.saturation_per_s()
    const port = await listen(stage.program)
    return async () => {
      const measure_rate = await open_for_rates(stage, port, stage.settings.connections)
      const results = []
      for (const fraction of RATE_FRACTIONS) {
        const rate_per_s = max_per_s * fraction
        const figures = { ...(await measure_rate(rate_per_s)), rate_per_s }
        results.push({ group: '', case_name: `${fraction * 100} % of the ws maximum`, figures })
      }
      await stage.load.call('close')
      return results
    }
  },
}

/** Measures CPU and response times if each of very many connections sends one message per second. */
export const many: Measure = {
  name: 'many',
  role: 'server',
  needs_fresh_process: false,
  applies_to: () => true,
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

/** Opens connections, and resolves with a function that measures a rate on them. */
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

/** Measures the maximum rate of plain `ws`, with one message in flight on each connection. */
export async function saturation(
  subject: Subject,
  program: Program,
  load: Program,
  settings: Settings,
): Promise<number> {
  await open_load({ load, subject }, await listen(program), settings.connections)
  const answer_bytes = await expect_echo({ program, load }, SMALL_TEXT)
  const rates: number[] = []
  // The first run is discarded, because its code is not compiled yet.
  for (let done = 0; done <= SATURATION_RUNS; done += 1) {
    const task = { shapes: [SMALL_TEXT], depth: 1, run_ms: settings.run_ms, answer_bytes: [answer_bytes] }
    const { messages, elapsed_ms } = await load.call<MeasuredLoad>('closed_loop', task, task.run_ms)
    if (done > 0) rates.push((messages / elapsed_ms) * 1000)
  }
  await load.call('close')
  return median(rates)
}
