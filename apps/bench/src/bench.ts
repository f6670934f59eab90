import type { Repeats } from './disturbance.js'
import type { Measure } from './measures/measure.js'
import { saturation } from './measures/rates.js'
import type { Cores } from './process/cores.js'
import { type Program, start_load } from './process/program.js'
import type { Stoppable } from './process/running.js'
import type { CaseFigures, MeasureName, Sample } from './results.js'
import type { Settings } from './settings.js'
import { random_from, shuffled } from './statistics.js'
import { find_subjects, plays, type Subject, start_subject } from './subjects/subjects.js'

/** What is to be measured. */
export interface Plan {
  readonly measures: readonly Measure[]
  readonly subjects: readonly Subject[]
  readonly settings: Settings
  /** Of the order in which subjects take turns. */
  readonly seed: number
  readonly cores: Cores
  /** Is called before each round; 0 or less is a round that warms up. */
  readonly on_round: (measure: MeasureName, round: number) => void
  readonly repeats: Repeats
}

interface Started {
  readonly run: () => Promise<CaseFigures[]>
  readonly stop: () => Promise<unknown>
}

/** Measures all of a plan: one measure after another, and of each, round by round, every subject, in a new order each time. */
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
    const playing = subjects.filter(subject => plays(subject, measure.role) && measure.suits(subject))
    const samples: Sample[] = []
    const started = new Map<Subject, Started>()
    // A measure that starts its process anew has nothing to warm up.
    const first = measure.needs_fresh_process ? 1 : 1 - settings.warm_up_rounds
    for (this.#round = first; this.#round <= settings.rounds; this.#round += 1) {
      if (playing.length > 0) on_round(measure.name, this.#round)
      for (const subject of shuffled(playing, this.#random)) {
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
    started: Map<Subject, Started>,
  ): Promise<CaseFigures[]> {
    const { run, stop } = started.get(subject) ?? (await this.#start(measure, subject))
    const figures = await run()
    if (measure.needs_fresh_process) await stop()
    else started.set(subject, { run, stop })
    return figures
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

  /** Measures plain `ws`, even if it is not among the subjects: rates are parts of what it takes. */
  async #find_saturation(): Promise<number> {
    const { cores, settings } = this.#plan
    const [ws] = find_subjects(['ws'], undefined).found as [Subject]
    const program = start_subject(ws, 'server', cores.subject)
    const found = await saturation(ws, program, this.#load, settings)
    await program.stop()
    return found
  }
}
