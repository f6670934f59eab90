import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { MEASURE_NAMES, type MeasureName } from './results.js'
import { CLUSTER_NAMES } from './subjects/clusters.js'
import type { SubjectName } from './subjects/subjects.js'

/** What `--subjects` takes; another build of `@bt/net` comes by `--bt-net`. */
const CHOOSABLE = [
  'bt_net',
  'ws',
  'ws_bufferutil',
  'socket.io',
  'bun',
  'raw',
  ...CLUSTER_NAMES,
] as const satisfies readonly SubjectName[]

/** What the gate is about. */
const GATE_MEASURES = ['echo', 'sizes'] as const satisfies readonly MeasureName[]
const GATE_SUBJECTS = ['bt_net', 'ws'] as const satisfies readonly SubjectName[]

const MOST_ROUNDS = 1_000
const MOST_SECONDS = 600
const MOST_SEED = 2 ** 32 - 1

/** What the command line asks for. */
export interface Arguments {
  readonly is_quick: boolean
  /** Whether nothing is measured but what the gate is about. */
  readonly is_gate: boolean
  readonly measures: readonly MeasureName[]
  readonly subjects: readonly SubjectName[]
  /** The file to import of another build of `@bt/net`, which is measured as well. */
  readonly other_build: string | undefined
  readonly rounds: number | undefined
  /** How long each figure is measured. */
  readonly seconds: number | undefined
  readonly seed: number | undefined
  /** Where to write; `undefined`: where it belongs, if all was measured, else nowhere. */
  readonly out: string | undefined
  /** The results of an earlier run, to be told again. */
  readonly from: string | undefined
}

interface Given {
  quick?: true
  gate?: true
  only?: readonly MeasureName[]
  subjects?: readonly SubjectName[]
  btNet?: string
  rounds?: number
  seconds?: number
  seed?: number
  out?: string
  from?: string
}

/** Reads the command line. What is wrong with it, and a request for help, is thrown as a `CommanderError` once it was told. */
export function read_arguments(argv: readonly string[], output?: (text: string) => void): Arguments {
  const command = make_command()
  if (output !== undefined) command.configureOutput({ writeOut: output, writeErr: output })
  // `pnpm bench -- --quick` hands the two dashes on.
  command.parse(
    argv.filter(word => word !== '--'),
    { from: 'user' },
  )
  const given = command.opts<Given>()
  const other_build = given.btNet
  const is_gate = given.gate ?? false
  const subjects = given.subjects ?? (is_gate ? GATE_SUBJECTS : CHOOSABLE)
  return {
    is_quick: given.quick ?? false,
    is_gate,
    measures: is_gate ? GATE_MEASURES : (given.only ?? MEASURE_NAMES),
    subjects: other_build === undefined ? subjects : with_other_build(subjects),
    other_build,
    rounds: given.rounds,
    seconds: given.seconds,
    seed: given.seed,
    out: given.out,
    from: given.from,
  }
}

/** Whether everything is measured in full: that is what is worth to be kept. */
export function is_full({ is_quick, measures, subjects, rounds, seconds }: Arguments): boolean {
  return (
    !is_quick &&
    rounds === undefined &&
    seconds === undefined &&
    measures.length === MEASURE_NAMES.length &&
    subjects.length === CHOOSABLE.length &&
    CHOOSABLE.every(name => subjects.includes(name))
  )
}

function make_command(): Command {
  return new Command('pnpm bench')
    .description(
      'Compares @bt/net with plain ws, socket.io, Bun and bare TCP, all in one run. Without options, it measures everything in about 50 minutes, and writes docs/benchmarks.',
    )
    .option(
      '--quick',
      'measure everything once or twice, in about a minute: a check that all works, with figures too rough to quote',
    )
    .option('--only <measures>', `some of ${MEASURE_NAMES.join(', ')}`, names_of('measure', MEASURE_NAMES))
    .option('--subjects <names>', `some of ${CHOOSABLE.join(', ')}`, names_of('subject', CHOOSABLE))
    .option(
      '--bt-net <path>',
      'measure another build of @bt/net as well: a checkout in which `pnpm build` has run',
      built_file,
    )
    .addOption(
      new Option(
        '--gate',
        'measure and print only how echo compares with ws, beside the bounds that every change must keep',
      ).conflicts(['quick', 'only', 'from', 'out']),
    )
    .option('--rounds <count>', 'how many rounds', whole_number('rounds', 1, MOST_ROUNDS))
    .option(
      '--seconds <count>',
      'how long each figure is measured (default: what suits it, mostly 0.8 s)',
      whole_number('seconds', 1, MOST_SECONDS),
    )
    .option(
      '--seed <number>',
      'the seed for the random order of the subjects',
      whole_number('seed', 0, MOST_SEED),
    )
    .option(
      '--out <folder>',
      'where to write the results (default: docs/benchmarks if everything is measured, else nowhere)',
      folder_to_write,
    )
    .option(
      '--from <file>',
      'measure nothing: report again from the results.json of an earlier run',
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

function whole_number(what: string, least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `Give ${what} as a whole number from ${least} to ${most.toLocaleString('en')}.`,
    )
  }
}

/** The file to import of a build of `@bt/net`: of a checkout, of a package's folder, or the file itself. */
function built_file(path: string): string {
  const file = [path, join(path, 'dist/index.js'), join(path, 'packages/net/dist/index.js')]
    .map(place => resolve(place))
    .find(place => existsSync(place) && statSync(place).isFile())
  if (file !== undefined) return file
  throw new InvalidArgumentError(
    'No built @bt/net is there: name a checkout in which `pnpm build` has run, the folder packages/net of one, or a file to import.',
  )
}

/** Said before anything is measured: what was measured would be lost. */
function folder_to_write(path: string): string {
  if (!existsSync(path) || statSync(path).isDirectory()) return path
  throw new InvalidArgumentError('A file is there: name a folder, which need not be there yet.')
}

function results_file(path: string): string {
  if (existsSync(path) && statSync(path).isFile()) return path
  throw new InvalidArgumentError('No file is there: name a results.json that an earlier run has written.')
}

/** Beside the one that it is to be compared with. */
function with_other_build(subjects: readonly SubjectName[]): SubjectName[] {
  return subjects.flatMap(name => (name === 'bt_net' ? [name, 'bt_net_other'] : [name]))
}
