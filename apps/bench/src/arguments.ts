import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { MEASURE_NAMES, type MeasureName } from './results.js'
import { SUBJECT_NAMES, type SubjectName } from './subjects/subjects.js'

/** The names that `--subjects` accepts. Another build of `@bt/net` is selected by `--bt-net`. */
const SELECTABLE_SUBJECTS: readonly SubjectName[] = SUBJECT_NAMES.filter(name => name !== 'bt_net_other')

const GATE_MEASURES: readonly MeasureName[] = ['echo', 'sizes']
const GATE_SUBJECTS: readonly SubjectName[] = ['bt_net', 'ws']

/** The parsed command line. */
export interface Arguments {
  readonly is_quick: boolean
  /** Whether only the figures of the gate are measured. */
  readonly is_gate: boolean
  readonly measures: readonly MeasureName[]
  readonly subjects: readonly SubjectName[]
  /** The entry file of another build of `@bt/net`, which is measured as well. */
  readonly other_build: string | undefined
  readonly rounds?: number
  /** How long each figure is measured. */
  readonly seconds?: number
  readonly seed?: number
  /**
   * The folder to write to. By default, a full run writes the published page, and any other run writes
   * nothing.
   */
  readonly out?: string
  /** The results of an earlier run: to report again, or to measure the given measures again. */
  readonly from?: string
}

interface ParsedOptions extends Pick<Arguments, 'rounds' | 'seconds' | 'seed' | 'out' | 'from'> {
  quick?: true
  gate?: true
  only?: readonly MeasureName[]
  subjects?: readonly SubjectName[]
  btNet?: string
}

/**
 * Parses the command line. For `--help` and invalid arguments, prints a text and throws a `CommanderError`.
 */
export function read_arguments(argv: readonly string[], output?: (text: string) => void): Arguments {
  const command = make_command()
  if (output !== undefined) command.configureOutput({ writeOut: output, writeErr: output })
  // `pnpm bench -- --quick` passes on the two dashes.
  command.parse(
    argv.filter(word => word !== '--'),
    { from: 'user' },
  )
  const { quick, gate, only, subjects, btNet, ...others } = command.opts<ParsedOptions>()
  const chosen = subjects ?? (gate ? GATE_SUBJECTS : SELECTABLE_SUBJECTS)
  return {
    is_quick: quick ?? false,
    is_gate: gate ?? false,
    measures: gate ? GATE_MEASURES : (only ?? (others.from === undefined ? MEASURE_NAMES : [])),
    subjects: btNet === undefined ? chosen : chosen.flatMap(with_other_build),
    other_build: btNet,
    ...others,
  }
}

/** Returns whether results with these measures are complete, and measured in full: worth publishing. */
export function is_full(
  { is_quick, subjects, rounds, seconds, ...args }: Arguments,
  measures: readonly MeasureName[] = args.measures,
): boolean {
  return (
    !is_quick &&
    rounds === undefined &&
    seconds === undefined &&
    measures.length === MEASURE_NAMES.length &&
    subjects.length === SELECTABLE_SUBJECTS.length &&
    SELECTABLE_SUBJECTS.every(name => subjects.includes(name))
  )
}

function make_command(): Command {
  return new Command('pnpm bench')
    .description(
      'Compares @bt/net with plain ws, socket.io, Bun and bare TCP, all in one run. Without options, it measures everything in about 50 minutes, and writes docs/benchmarks.',
    )
    .option(
      '--quick',
      'measure everything once or twice, in about a minute: checks that everything works; the figures are too rough to quote',
    )
    .option('--only <measures>', `some of ${MEASURE_NAMES.join(', ')}`, names_of('measure', MEASURE_NAMES))
    .option(
      '--subjects <names>',
      `some of ${SELECTABLE_SUBJECTS.join(', ')}`,
      names_of('subject', SELECTABLE_SUBJECTS),
    )
    .option(
      '--bt-net <path>',
      'measure another build of @bt/net as well: a checkout in which `pnpm build` has run',
      built_file,
    )
    .addOption(
      new Option(
        '--gate',
        'measure only echo compared with ws, and print it with the bounds that every change must keep',
      ).conflicts(['quick', 'only', 'from', 'out']),
    )
    .option('--rounds <count>', 'how many rounds', whole_number('rounds', 1, 1_000))
    .option(
      '--seconds <count>',
      'how long each figure is measured (default: depends on the figure, mostly 0.8 s)',
      whole_number('seconds', 1, 600),
    )
    .option(
      '--seed <number>',
      'the seed for the random order of the subjects',
      whole_number('seed', 0, 2 ** 32 - 1),
    )
    .option(
      '--out <folder>',
      'the folder for the results (default: docs/benchmarks if everything is measured, otherwise none)',
      folder_to_write,
    )
    .option(
      '--from <file>',
      'add to the results.json of an earlier run of the same build: measures only what --only names, and takes all else from there',
      results_file,
    )
    .addHelpText('after', '\nNames are separated by commas: --only echo,fan_out --subjects bt_net,ws')
    .exitOverride()
}

function names_of<Name extends string>(kind: string, names: readonly Name[]): (text: string) => Name[] {
  const find = (word: string): Name => {
    const name = names.find(known => known === word.trim())
    if (name !== undefined) return name
    throw new InvalidArgumentError(`There is no ${kind} '${word}': choose from ${names.join(', ')}.`)
  }
  return text => [...new Set(text.split(',').map(find))]
}

function whole_number(name: string, least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `Give ${name} as a whole number from ${least} to ${most.toLocaleString('en')}.`,
    )
  }
}

/**
 * Returns the entry file of a build of `@bt/net`, given a checkout, the folder of the package, or the file
 * itself.
 */
function built_file(path: string): string {
  const places = [path, join(path, 'dist/index.js'), join(path, 'packages/net/dist/index.js')]
  const file = places.map(place => resolve(place)).find(is_file)
  if (file !== undefined) return file
  throw new InvalidArgumentError(
    'There is no build of @bt/net: name a checkout in which `pnpm build` has run, its folder packages/net, or a file to import.',
  )
}

/** Checks the folder before anything is measured, because the figures would be lost. */
function folder_to_write(path: string): string {
  if (!existsSync(path) || statSync(path).isDirectory()) return path
  throw new InvalidArgumentError('This is a file: name a folder, which need not exist yet.')
}

function results_file(path: string): string {
  if (is_file(path)) return path
  throw new InvalidArgumentError('There is no such file: name the results.json of an earlier run.')
}

function is_file(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

/** Lists another build next to the one that it is compared with. */
function with_other_build(name: SubjectName): SubjectName[] {
  return name === 'bt_net' ? [name, 'bt_net_other'] : [name]
}
