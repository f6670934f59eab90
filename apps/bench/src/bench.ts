import type { Repeats } from './disturbance.js'
import type { Measure } from './measures/measure.js'
import { saturation } from './measures/rates.js'
import type { Cores } from './process/cores.js'
import { type Program, start_load } from './process/program.js'
import type { Stoppable } from './process/running.js'
import type { CaseFigures, MeasureName, Sample } from './results.js'
import type { Settings } from './settings.js'
import { random_from, shuffled } from './statistics.js'
import { find_subjects, has_role, type Subject, start_subject } from './subjects/subjects.js'

/** A run of the bench. */
export interface Plan {
  readonly measures: readonly Measure[]
  readonly subjects: readonly Subject[]
  readonly settings: Settings
  /** The seed for the order in which subjects take turns. */
  readonly seed: number
  readonly cores: Cores
  /** Called before each round. A round number of 0 or less is a warm-up round. */
  readonly on_round: (measure: MeasureName, round: number) => void
  readonly repeats: Repeats
}

interface StartedSubject {
  readonly run: () => Promise<CaseFigures[]>
  readonly stop: () => Promise<unknown>
}

/** Runs one measure after the other. Each round of a measure runs all subjects, in a new random order. */
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
  #round = 0
  #saturation_per_s: Promise<number> | undefined

  constructor(plan: Plan) {
    this.#plan = plan
    this.#random = random_from(plan.seed)
    this.#load = start_load('load', plan.cores.load)
  }

  async measure(measure: Measure): Promise<Sample[]> {
    const { settings, subjects, on_round } = this.#plan
    const measured = subjects.filter(
      subject => has_role(subject, measure.role) && measure.applies_to(subject),
    )
    const samples: Sample[] = []
    const started = new Map<Subject, StartedSubject>()
    // A measure with a new process for each round needs no warm-up.
    const first = measure.needs_fresh_process ? 1 : 1 - settings.warm_up_rounds
    for (this.#round = first; this.#round <= settings.rounds; this.#round += 1) {
      if (measured.length > 0) on_round(measure.name, this.#round)
      for (const subject of shuffled(measured, this.#random)) {
        const figures = await this.#measure_subject(measure, subject, started)
        const labels = { measure: measure.name, subject: subject.name, round: this.#round }
        if (this.#round > 0) samples.push(...figures.map(each => ({ ...labels, ...each })))
      }
    }
    await Promise.all([...started.values()].map(({ stop }) => stop()))
    return samples
  }

  async stop(): Promise<void> {
    await this.#load.stop()
  }

  async #measure_subject(
    measure: Measure,
    subject: Subject,
    started: Map<Subject, StartedSubject>,
  ): Promise<CaseFigures[]> {
    const { run, stop } = started.get(subject) ?? (await this.#start(measure, subject))
    const figures = await run()
    if (measure.needs_fresh_process) await stop()
    else started.set(subject, { run, stop })
    return figures
  }

  async #start(measure: Measure, subject: Subject): Promise<StartedSubject> {
    const { cores, settings, repeats } = this.#plan
    const program = start_subject(subject, measure.role, cores.subject)
    const to_stop: Stoppable[] = [program]
    const run = await measure.start({
      subject,
      program,
      load: this.#load,
      settings,
      cores,
      // Figures of warm-up rounds are discarded, so they need not be undisturbed.
      least_disturbed: figures => (this.#round > 0 ? repeats.least_disturbed(figures) : figures()),
      saturation_per_s: () => {
        this.#saturation_per_s ??= this.#find_saturation()
        return this.#saturation_per_s
      },
      stop_with_subject: started => {
        to_stop.push(started)
        return started
      },
    })
    return { run, stop: () => Promise.all(to_stop.map(started => started.stop())) }
  }

  /**
   * Measures plain `ws`, even if it is not among the subjects: the fixed rates are fractions of its maximum.
   */
  async #find_saturation(): Promise<number> {
    const { cores, settings } = this.#plan
    const [ws] = find_subjects(['ws'], undefined).found as [Subject]
    const program = start_subject(ws, 'server', cores.subject)
    const found = await saturation(ws, program, this.#load, settings)
    await program.stop()
    return found
  }
}
