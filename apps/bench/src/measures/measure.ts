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

/** The seed of schedules, the same for every subject and round, so that all are compared by the same traffic. */
export const SCHEDULE_SEED = 20_011

/** What a measure works with: a subject in its process, and the load in another. */
export interface Stage {
  readonly subject: Subject
  readonly program: Program
  readonly load: Program
  readonly settings: Settings
  readonly cores: Cores
  /** Measures a figure, again while other programs disturb it in a round that counts. */
  readonly least_disturbed: (measure: () => Promise<Figures>) => Promise<Figures>
  /** The most that plain `ws` takes, found once in a run; see {@link saturation}. */
  readonly saturation_per_s: () => Promise<number>
  /** Stops what was started together with the subject's process, and returns it. */
  readonly until_stopped: <Thing extends Stoppable>(thing: Thing) => Thing
}

/** Something to measure of each subject. */
export interface Measure {
  readonly name: MeasureName
  /** Which side the subject is. */
  readonly role: Role
  /** Whether each round needs a new process; else one lives through all rounds, so that its code is compiled. */
  readonly needs_fresh_process: boolean
  suits(subject: Subject): boolean
  /** Prepares a subject's process, once, and returns what measures one round. */
  start(stage: Stage): Promise<() => Promise<CaseFigures[]>>
}

/** What a load answers, with the CPU time that it took. */
export type MeasuredLoad = LoadResult & { readonly load_cpu_us: number }

/** A process that reports the CPU time that it has used so far. */
interface UsesCpu {
  cpu_us(): Promise<number>
}

/** Measures as {@link cpu_during} does, again while other programs disturb. */
export function with_cpu_of(
  stage: Pick<Stage, 'program' | 'cores' | 'least_disturbed'>,
  run: () => Promise<MeasuredLoad>,
  also: readonly UsesCpu[] = [],
): Promise<Figures> {
  return stage.least_disturbed(() => cpu_during(stage, run, also))
}

/** Lets a load run, and returns its figures with the CPU time that the subject's process, and those in `also`, took meanwhile. */
export async function cpu_during(
  { program, cores }: { readonly program: UsesCpu; readonly cores: Cores },
  run: () => Promise<MeasuredLoad>,
  also: readonly UsesCpu[] = [],
): Promise<Figures> {
  const programs = [program, ...also]
  const work_before = works_of(cores)
  const cpu_before = await cpu_of(programs)
  const { messages, elapsed_ms, load_cpu_us, ...others } = await run()
  const cpu_us = (await cpu_of(programs)) - cpu_before
  const work = works_of(cores)
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

async function cpu_of(programs: readonly UsesCpu[]): Promise<number> {
  const each_us = await Promise.all(programs.map(program => program.cpu_us()))
  return each_us.reduce((sum, us) => sum + us, 0)
}

function works_of(cores: Cores): { subject: number; load: number } | undefined {
  const [subject, load] = [work_of_core_us(cores.subject), work_of_core_us(cores.load)]
  return subject === undefined || load === undefined ? undefined : { subject, load }
}

/** Has a subject listen, and returns its port. */
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
  how: Pick<Target, 'with_compression' | 'with_tls'> = {},
): Promise<void> {
  await load.call('open', { port, dialect: subject.dialect, ...how, count })
}

/** Prepares a subject and the open connections for a message, and returns how many bytes its answer takes. */
export async function expect_echo(
  { program, load }: Pick<Stage, 'load' | 'program'>,
  shape: Shape,
): Promise<number> {
  await program.call('expect', shape)
  return load.call<number>('try_echo', { shape })
}

/** Measures a closed loop on the open connections, after a shorter one that is not measured. */
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
