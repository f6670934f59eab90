import type { ProbeResult } from '../load/probe.js'
import { cpu_of_us } from '../process/broker.js'
import { cpu_us } from '../process/commands.js'
import { type Program, start_load } from '../process/program.js'
import type { CaseFigures, Figures } from '../results.js'
import { start_subject } from '../subjects/subjects.js'
import { FLOODS, type FloodKind } from '../wire/floods.js'
import { SMALL_TEXT } from '../wire/message.js'
import {
  cpu_during,
  expect_echo,
  listen,
  type Measure,
  type MeasuredLoad,
  open_load,
  type Stage,
} from './measure.js'

/** The interval at which the honest client sends. */
const EVERY_MS = 5

/** Measures how long an honest client waits for its echoes while other clients flood the server. */
export const floods: Measure = {
  name: 'floods',
  role: 'server',
  needs_fresh_process: true,
  applies_to: ({ dialect, name }) => dialect === 'websocket' && name !== 'raw',
  start: async stage => {
    // In a separate process, so that the flood does not delay the honest client.
    const flooder = stage.stop_with_subject(start_load('flooder', stage.cores.load))
    const waits = (kind?: FloodKind): Promise<Figures> =>
      stage.least_disturbed(() => measure_waits(stage, flooder, kind))
    return async () => {
      const alone = await waits()
      const results: CaseFigures[] = [{ group: '', case_name: 'alone', figures: alone }]
      const supports_all = stage.subject.file_stem === 'bt_net'
      for (const kind of FLOODS.filter(({ only_bt_net }) => supports_all || !only_bt_net)) {
        const figures = await waits(kind)
        const worst_added_ms = (figures.worst_ms as number) - (alone.worst_ms as number)
        results.push({ group: '', case_name: kind.case_name, figures: { ...figures, worst_added_ms } })
      }
      return results
    }
  },
}

/**
 * Measures the waits of the honest client, with or without a flood, on a new server without effects of
 * earlier floods.
 */
async function measure_waits(
  { subject, settings, load, cores, stop_with_subject }: Stage,
  flooder: Program,
  kind?: FloodKind,
): Promise<Figures> {
  const server = stop_with_subject(start_subject(subject, 'server', cores.subject))
  const port = await listen(server, { is_flooded: true })
  await open_load({ load, subject }, port, 1)
  const answer_bytes = await expect_echo({ program: server, load }, SMALL_TEXT)
  const probe = (run_ms: number): Promise<MeasuredLoad & ProbeResult> =>
    load.call('probe', { shape: SMALL_TEXT, every_ms: EVERY_MS, answer_bytes, run_ms }, run_ms)
  await probe(settings.settle_ms)
  const run = (): Promise<MeasuredLoad> =>
    kind === undefined
      ? probe(settings.flood_ms)
      : during_flood(flooder, { port, kind }, () => probe(settings.flood_ms), settings.flood_ms)
  // A flooded server may report its own CPU time late, so it is read from the kernel.
  const program = { cpu_us: async () => cpu_of_us(server.pid) ?? 0 }
  const figures = await cpu_during({ program, cores }, run)
  await server.stop()
  await load.call('drop')
  return figures
}

/** Runs the probe of the honest client while other clients flood the server. */
async function during_flood(
  flooder: Program,
  task: { readonly port: number; readonly kind: FloodKind },
  probe: () => Promise<MeasuredLoad & ProbeResult>,
  flood_ms: number,
): Promise<MeasuredLoad & Figures> {
  // This process also runs on the core of the load, where it reads the warnings of the server.
  const others_us = async (): Promise<number> => cpu_us() + (await flooder.cpu_us())
  const before_us = await others_us()
  await flooder.call('start_flood', task)
  const [result, clients_ended] = await Promise.all([
    probe(),
    new Promise(resolve => setTimeout(resolve, flood_ms)).then(() => flooder.call<number>('stop_flood')),
  ])
  const load_cpu_us = result.load_cpu_us + (await others_us()) - before_us
  return { ...result, load_cpu_us, clients_ended }
}
