import type { ClosedLoopTask, LoadResult } from '../load/closed_loop.js'
import type { Program } from '../process/program.js'
import type { Settings } from '../settings.js'
import type { ListenSettings } from '../subjects/server_subject.js'
import type { Role, Subject } from '../subjects/subjects.js'

/** The measures, by the names that `--only` takes. */
export const MEASURE_NAMES = [
  'echo',
  'sizes',
  'fan_out',
  'connect',
  'memory',
  'latency',
  'client',
  'compression',
] as const

export type MeasureName = (typeof MEASURE_NAMES)[number]

/** What was measured of one case, in one round: each figure by a name that has its unit. */
export interface CaseFigures {
  readonly case_name: string
  readonly figures: Readonly<Record<string, number>>
}

/** What a measure works with: a subject in its process, and the load in another. */
export interface Stage {
  readonly subject: Subject
  readonly program: Program
  readonly load: Program
  readonly settings: Settings
}

/** Something to measure of each subject. */
export interface Measure {
  readonly name: MeasureName
  /** Which side the subject is. */
  readonly role: Role
  /** Whether each round needs a new process; else one lives through all rounds. */
  readonly needs_fresh_process: boolean
  suits(subject: Subject): boolean
  /** Readies a subject's process, once, and returns what measures one round. */
  start(stage: Stage): Promise<() => Promise<CaseFigures[]>>
}

/** What a load answers, with the CPU time that it took. */
export type MeasuredLoad = LoadResult & { readonly load_cpu_us: number }

/** Lets a load run, and makes figures of what came of it and of the CPU time that the subject took meanwhile. */
export async function with_cpu_of(
  program: Program,
  run: () => Promise<MeasuredLoad>,
): Promise<Record<string, number>> {
  const before_us = await program.call<number>('cpu')
  const { messages, elapsed_ms, load_cpu_us } = await run()
  const cpu_us = (await program.call<number>('cpu')) - before_us
  return {
    messages,
    elapsed_ms,
    cpu_us_per_message: cpu_us / messages,
    messages_per_s: (messages / elapsed_ms) * 1000,
    cpu_share: cpu_us / (elapsed_ms * 1000),
    load_cpu_share: load_cpu_us / (elapsed_ms * 1000),
  }
}

/** Has a subject listen, and returns its port. */
export function listen(program: Program, settings: Partial<ListenSettings> = {}): Promise<number> {
  return program.call<number>('listen', { is_binary: false, is_compressing: false, ...settings })
}

/** Opens connections of the load to a subject. */
export async function open_load(
  { load, subject }: Stage,
  port: number,
  count: number,
  with_compression = false,
): Promise<void> {
  await load.call('open', { port, dialect: subject.dialect, with_compression, count })
}

/** Measures a closed loop on the connections that are open, after a shorter one that is not measured. */
export async function measure_echo(stage: Stage, task: ClosedLoopTask): Promise<Record<string, number>> {
  const { program, load, settings } = stage
  await program.call('expect', task.shape)
  const answer_bytes = await load.call<number>('try_echo', { shape: task.shape })
  const run = (run_ms: number): Promise<MeasuredLoad> =>
    load.call('closed_loop', { ...task, run_ms, answer_bytes }, run_ms)
  await run(settings.settle_ms)
  return with_cpu_of(program, () => run(task.run_ms))
}
