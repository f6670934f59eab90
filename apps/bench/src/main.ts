#!/usr/bin/env node
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommanderError } from 'commander'
import { type Arguments, is_full, read_arguments } from './arguments.js'
import { run_bench } from './bench.js'
import { Repeats } from './disturbance.js'
import { fit_to_limits, max_open_files } from './limits.js'
import { MEASURES } from './measures/all.js'
import { choose_cores, pin_this_process } from './process/cores.js'
import { end_on_signals, stop_all, was_interrupted } from './process/running.js'
import { gate_text, read_results, report_text, write_report } from './report/page.js'
import { measures_of } from './report/tables.js'
import { disturbances_of } from './report/warnings.js'
import { check_comparable, type Results, this_machine, with_measured_again } from './results.js'
import { FULL, for_seconds, GATE, QUICK } from './settings.js'
import { find_subjects } from './subjects/subjects.js'

const DOCS = fileURLToPath(new URL('../../../docs/benchmarks', import.meta.url))
const SEED_COUNT = 1_000_000

const QUICK_NOTE =
  'The figures of a quick run should not be quoted: it mostly measures code that is not compiled yet.'

const INVALID_ARGUMENTS = 2

end_on_signals()

try {
  const args = read_arguments(process.argv.slice(2))
  const earlier = args.from === undefined ? undefined : read_results(args.from)
  const is_measured = args.measures.length > 0
  const results = is_measured || earlier === undefined ? await measure(args, earlier) : earlier
  process.stdout.write(`${args.is_gate ? gate_text(results) : report_text(results)}\n`)
  const is_to_publish = args.out === undefined && is_measured && is_full(args, measures_of(results))
  const disturbances = is_to_publish ? disturbances_of(results) : []
  // Disturbed figures are not published, but kept, because they took long to measure.
  const folder =
    disturbances.length > 0 ? mkdtempSync(join(tmpdir(), 'bench-')) : is_to_publish ? DOCS : args.out
  if (folder !== undefined) {
    const files = write_report(results, folder)
    process.stdout.write(`\nWritten into ${resolve(folder)}: ${files.join(', ')}\n`)
  }
  if (disturbances.length > 0)
    process.stdout.write(
      `Not published in ${resolve(DOCS)}: other programs used the cores. Measure again what they disturbed: --from ${folder}/results.json --only <measures>\n`,
    )
} catch (error) {
  if (!was_interrupted()) process.exitCode = exit_code(error)
} finally {
  await stop_all()
}

/** Measures, and adds the figures of earlier results for what was not measured. */
async function measure(args: Arguments, earlier: Results | undefined): Promise<Results> {
  const cores = choose_cores()
  pin_this_process(cores)
  const { found, notes } = find_subjects(args.subjects, args.other_build)
  const preset = args.is_gate ? GATE : args.is_quick ? QUICK : FULL
  const chosen = args.seconds === undefined ? preset : for_seconds(preset, args.seconds)
  const limited = fit_to_limits({ ...chosen, rounds: args.rounds ?? chosen.rounds }, max_open_files())
  const { settings } = limited
  const conditions = {
    machine: this_machine(),
    settings,
    subjects: found.map(({ name, label, version }) => ({ name, label, version })),
  }
  if (earlier !== undefined) check_comparable(earlier, conditions)
  const seed = args.seed ?? Date.now() % SEED_COUNT
  const repeats = new Repeats(settings.most_repeats)
  const samples = await run_bench({
    measures: args.measures.map(name => MEASURES[name]),
    subjects: found,
    settings,
    seed,
    cores,
    on_round: (measure, round) => {
      const progress = round > 0 ? `round ${round} of ${settings.rounds}` : 'warming up'
      process.stderr.write(`${measure}, ${progress}\n`)
    },
    repeats,
  })
  const results = {
    ...conditions,
    date: new Date().toISOString(),
    seed,
    measured_again: repeats.made,
    notes: [args.is_quick ? QUICK_NOTE : '', cores.note, ...notes, ...limited.notes].filter(
      note => note !== '',
    ),
    samples,
  }
  return earlier === undefined ? results : with_measured_again(earlier, results)
}

/** Prints an error unless commander has printed it, and returns the exit code. */
function exit_code(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : INVALID_ARGUMENTS
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  return 1
}
