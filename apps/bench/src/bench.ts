import type { Repeats } from './disturbance.js'
import type { Measure } from './measures/measure.js'
import { saturation } from './measures/rates.js'
import type { Cores } from './process/cores.js'
import { type Program, start_load } from './process/program.js'
import type { Stoppable } from './process/running.js'
import type { CaseFigures, MeasureName, Sample } from './results.js'
import type { Settings } from './settings.js'
import { random_from, shuffled } from './statistics.js'
import { find_subjects, plays, type Subject, type SubjectName, start_subject } from './subjects/subjects.js'

/** What is measured next. */
export interface Step {
  readonly measure: MeasureName
  /** 0 while it warms up. */
  readonly round: number
  readonly rounds: number
  readonly subject: SubjectName
  /** How much of all is done, from 0 to 1. */
  readonly done: number
}

/** What is to be measured. */
export interface Plan {
  readonly measures: readonly Measure[]
  readonly subjects: readonly Subject[]
  readonly settings: Settings
  /** Of the order in which subjects take their turns. */
  readonly seed: number
  readonly cores: Cores
  readonly on_step: (step: Step) => void
  /** How often a figure may be measured again. */
  readonly repeats: Repeats
}

interface Started {
  readonly run: () => Promise<CaseFigures[]>
  readonly stop: () => Promise<unknown>
}

/** Measures all of a plan: one measure after another, and of each, round by round, every subject, in an order that changes. */
export async function run_bench(plan: Plan): Promise<Sample[]> {
  const bench = new Bench(plan)
  const samples: Sample[] = []
  for (const measure of plan.measures) samples.push(...(await bench.measure(measure)))
  await bench.stop()
  return samples
}

class Bench {
  readonly #plan: Plan
  readonly #load: Program
  readonly #random: () => number
  readonly #total_s: number
  #done_s = 0
  /** 0 or less while it warms up. */
  #round = 0
  #saturation_per_s: Promise<number> | undefined

  constructor(plan: Plan) {
    this.#plan = plan
    this.#random = random_from(plan.seed)
    this.#load = start_load('load', plan.cores.load)
    this.#total_s = plan.measures.reduce(
      (sum, measure) =>
        sum + measure.typical_s * this.#round_numbers(measure).length * this.#subjects(measure).length,
      0,
    )
  }

  async measure(measure: Measure): Promise<Sample[]> {
    const samples: Sample[] = []
    const started = new Map<Subject, Started>()
    for (const round of this.#round_numbers(measure)) {
      this.#round = round
      const measured = await this.#measure_round(measure, round, started)
      if (round > 0) samples.push(...measured)
    }
    await Promise.all([...started.values()].map(({ stop }) => stop()))
    return samples
  }

  async #measure_round(measure: Measure, round: number, started: Map<Subject, Started>): Promise<Sample[]> {
    const samples: Sample[] = []
    for (const subject of shuffled(this.#subjects(measure), this.#random)) {
      this.#tell(measure, round, subject)
      const { run, stop } = started.get(subject) ?? (await this.#start(measure, subject))
      for (const result of await run())
        samples.push({ measure: measure.name, subject: subject.name, round, ...result })
      if (measure.needs_fresh_process) await stop()
      else started.set(subject, { run, stop })
    }
    return samples
  }

  async stop(): Promise<void> {
    await this.#load.stop()
  }

  #subjects(measure: Measure): Subject[] {
    return this.#plan.subjects.filter(subject => plays(subject, measure.role) && measure.suits(subject))
  }

  /** From below 1, which is warming up, to the last. What starts its process anew has nothing to warm up. */
  #round_numbers({ needs_fresh_process }: Measure): number[] {
    const { rounds, warm_up_rounds } = this.#plan.settings
    const before = needs_fresh_process ? 0 : warm_up_rounds
    return Array.from({ length: before + rounds }, (_, index) => index + 1 - before)
  }

  async #start(measure: Measure, subject: Subject): Promise<Started> {
    const { cores, settings, repeats } = this.#plan
    const program = start_subject(subject, measure.role, cores.subject)
    const to_stop: Stoppable[] = [program]
    const run = await measure.start({
      subject,
      program,
      load: this.#load,
      settings,
      cores,
      // Figures of warm-up rounds are discarded, so it does not matter whether they were disturbed.
      least_disturbed: figures => (this.#round > 0 ? repeats.least_disturbed(figures) : figures()),
      saturation_per_s: () => {
        this.#saturation_per_s ??= this.#find_saturation()
        return this.#saturation_per_s
      },
      until_stopped: thing => {
        to_stop.push(thing)
        return thing
      },
    })
    return { run, stop: () => Promise.all(to_stop.map(thing => thing.stop())) }
  }

  /** Of plain `ws`, whether it is among the subjects or not: rates are parts of it. */
  async #find_saturation(): Promise<number> {
    const { cores, settings } = this.#plan
    const [ws] = find_subjects(['ws'], undefined).found as [Subject]
    const program = start_subject(ws, 'server', cores.subject)
    const found = await saturation(ws, program, this.#load, settings)
    await program.stop()
    return found
  }

  #tell(measure: Measure, round: number, subject: Subject): void {
    this.#plan.on_step({
      measure: measure.name,
      round: Math.max(0, round),
      rounds: this.#plan.settings.rounds,
      subject: subject.name,
      done: this.#done_s / this.#total_s,
    })
    this.#done_s += measure.typical_s
  }
}
