import type { LoadResult } from '../load/client_group.js'
import type { Target } from '../load/client_socket.js'
import type { ClosedLoopTask } from '../load/closed_loops.js'
import { type Cores, work_of_core_us } from '../process/cores.js'
import type { Program } from '../process/program.js'
import type { Stoppable } from '../process/running.js'
import type { CaseFigures, Figures, MeasureName } from '../results.js'
import type { Settings } from '../settings.js'
import type { ListenSettings } from '../subjects/server_subject.js'
import type { Role, Subject } from '../subjects/subjects.js'
import type { Shape } from '../wire/message.js'

/** The seed of all schedules, so that all subjects and rounds have the same traffic. */
export const SCHEDULE_SEED = 20_011

/** The processes and settings of a measure: the subject and the load. */
export interface Stage {
  readonly subject: Subject
  readonly program: Program
  readonly load: Program
  readonly settings: Settings
  readonly cores: Cores
  /** Measures figures, and repeats that in rounds that count while other programs disturb them. */
  readonly least_disturbed: (measure: () => Promise<Figures>) => Promise<Figures>
  /** Returns the maximum rate of plain `ws`, measured once in a run; see {@link saturation}. */
  readonly saturation_per_s: () => Promise<number>
  /** Registers something to be stopped with the subject's process, and returns it. */
  readonly stop_with_subject: <Started extends Stoppable>(started: Started) => Started
}

/** A measure of each subject. */
export interface Measure {
  readonly name: MeasureName
  /** The role of the subject. */
  readonly role: Role
  /**
   * Whether each round needs a new process. Otherwise one process runs all rounds, so that its code is
   * compiled.
   */
  readonly needs_fresh_process: boolean
  applies_to(subject: Subject): boolean
  /** Prepares a subject's process once, and resolves with a function that measures one round. */
  start(stage: Stage): Promise<() => Promise<CaseFigures[]>>
}

/** The result of a load with its CPU time. */
export type MeasuredLoad = LoadResult & { readonly load_cpu_us: number }

/** A process whose CPU time is measured. */
interface CpuSource {
  /** Returns the CPU time so far, in microseconds. */
  cpu_us(): Promise<number>
}

/** Measures like {@link cpu_during}, and repeats that while other programs disturb it. */
export function with_cpu_of(
  stage: Pick<Stage, 'program' | 'cores' | 'least_disturbed'>,
  run: () => Promise<MeasuredLoad>,
  also: readonly CpuSource[] = [],
): Promise<Figures> {
  return stage.least_disturbed(() => cpu_during(stage, run, also))
}

/** Runs a load, and returns its figures with the CPU time of the subject's process and of those in `also`. */
export async function cpu_during(
  { program, cores }: { readonly program: CpuSource; readonly cores: Cores },
  run: () => Promise<MeasuredLoad>,
  also: readonly CpuSource[] = [],
): Promise<Figures> {
  const programs = [program, ...also]
  const work_before = work_of_cores(cores)
  const cpu_before = await cpu_of(programs)
  const { messages, elapsed_ms, load_cpu_us, ...others } = await run()
  const cpu_us = (await cpu_of(programs)) - cpu_before
  const work = work_of_cores(cores)
  const share = (us: number): number => us / (elapsed_ms * 1000)
  return {
    ...others,
    messages,
    elapsed_ms,
    cpu_us_per_message: cpu_us / messages,
    messages_per_s: (messages / elapsed_ms) * 1000,
    cpu_share: share(cpu_us),
    load_cpu_share: share(load_cpu_us),
    ...(work !== undefined &&
      work_before !== undefined && {
        others_share: Math.max(0, share(work.subject - work_before.subject - cpu_us)),
        load_others_share: Math.max(0, share(work.load - work_before.load - load_cpu_us)),
      }),
  }
}

async function cpu_of(programs: readonly CpuSource[]): Promise<number> {
  const each_us = await Promise.all(programs.map(program => program.cpu_us()))
  return each_us.reduce((sum, us) => sum + us, 0)
}

function work_of_cores(cores: Cores): { subject: number; load: number } | undefined {
  const [subject, load] = [work_of_core_us(cores.subject), work_of_core_us(cores.load)]
  return subject === undefined || load === undefined ? undefined : { subject, load }
}

/** Makes a subject listen, and resolves with its port. */
export function listen(program: Program, settings: Partial<ListenSettings> = {}): Promise<number> {
  return program.call<number>('listen', {
    is_binary: false,
    is_compressing: false,
    is_flooded: false,
    ...settings,
  })
}

/** Opens connections of the load to a subject. */
export async function open_load(
  { load, subject }: Pick<Stage, 'load' | 'subject'>,
  port: number,
  count: number,
  target: Pick<Target, 'with_compression' | 'with_tls'> = {},
): Promise<void> {
  await load.call('open', { port, dialect: subject.dialect, ...target, count })
}

/** Prepares a subject and the open connections for a message, and resolves with the size of its answer. */
export async function expect_echo(
  { program, load }: Pick<Stage, 'load' | 'program'>,
  shape: Shape,
): Promise<number> {
  await program.call('expect', shape)
  return load.call<number>('try_echo', { shape })
}

/** Measures a closed loop on the open connections, after a shorter one that does not count. */
export async function measure_echo(stage: Stage, task: Omit<ClosedLoopTask, 'run_ms'>): Promise<Figures> {
  const { load, settings } = stage
  const bytes_of = new Map<number, number>()
  for (const shape of task.shapes)
    if (!bytes_of.has(shape.bytes)) bytes_of.set(shape.bytes, await expect_echo(stage, shape))
  const answer_bytes = task.shapes.map(({ bytes }) => bytes_of.get(bytes))
  const run = (run_ms: number): Promise<MeasuredLoad> =>
    load.call('closed_loop', { ...task, run_ms, answer_bytes }, run_ms)
  await run(settings.settle_ms)
  return with_cpu_of(stage, () => run(settings.run_ms))
}
