import { fileURLToPath } from 'node:url'
import type { Measure, MeasureName, Stage } from './measures/measure.js'
import type { Cores } from './process/cores.js'
import { Program } from './process/program.js'
import type { Settings } from './settings.js'
import { random_from, shuffled } from './statistics.js'
import { type Subject, type SubjectName, start_subject } from './subjects/subjects.js'

/** One case of one measure, of one subject, in one round. */
export interface Sample {
  readonly measure: MeasureName
  readonly case_name: string
  readonly subject: SubjectName
  readonly round: number
  readonly figures: Readonly<Record<string, number>>
}

/** What is to be measured. */
export interface Plan {
  readonly measures: readonly Measure[]
  readonly subjects: readonly Subject[]
  readonly settings: Settings
  readonly seed: number
  readonly cores: Cores
  /** Told before each step what is measured next, and how much of all is done, from 0 to 1. */
  readonly on_step: (what: string, done: number) => void
}

/** Measures all of a plan: one measure after another, and of each, round by round, every subject, in an order that changes. */
export async function run_bench(plan: Plan): Promise<Sample[]> {
  const load = new Program({
    name: 'load',
    command: process.execPath,
    args: [fileURLToPath(new URL('../dist/load/main.js', import.meta.url))],
    core: plan.cores.load,
  })
  const samples: Sample[] = []
  const random = random_from(plan.seed)
  for (const [index, measure] of plan.measures.entries()) {
    const on_round = (what: string, share: number): void =>
      plan.on_step(`${measure.name}, ${what}`, (index + share) / plan.measures.length)
    samples.push(...(await run_measure(measure, plan, load, random, on_round)))
  }
  await load.stop()
  return samples
}

async function run_measure(
  measure: Measure,
  plan: Plan,
  load: Program,
  random: () => number,
  on_step: (what: string, share: number) => void,
): Promise<Sample[]> {
  const { settings } = plan
  const samples: Sample[] = []
  const subjects = plan.subjects.filter(subject => measure.suits(subject))
  const started = new Map<Subject, { program: Program; run: Awaited<ReturnType<Measure['start']>> }>()
  const rounds = settings.warm_up_rounds + settings.rounds
  for (let index = 0; index < rounds; index += 1) {
    const round = index - settings.warm_up_rounds + 1
    for (const [place, subject] of shuffled(subjects, random).entries()) {
      const which = round > 0 ? `round ${round} of ${settings.rounds}` : 'warming up'
      on_step(`${which}: ${subject.name}`, (index + place / subjects.length) / rounds)
      const one = started.get(subject) ?? (await start(measure, subject, plan, load))
      started.set(subject, one)
      for (const { case_name, figures } of await one.run())
        if (round > 0) samples.push({ measure: measure.name, case_name, subject: subject.name, round, figures })
      if (!measure.needs_fresh_process) continue
      await one.program.stop()
      started.delete(subject)
    }
  }
  await Promise.all([...started.values()].map(({ program }) => program.stop()))
  return samples
}

async function start(
  measure: Measure,
  subject: Subject,
  { settings, cores }: Plan,
  load: Program,
): Promise<{ program: Program; run: Awaited<ReturnType<Measure['start']>> }> {
  const program = start_subject(subject, measure.role, cores.subject)
  const stage: Stage = { subject, program, load, settings }
  return { program, run: await measure.start(stage) }
}
