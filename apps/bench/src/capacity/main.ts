#!/usr/bin/env node
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError } from 'commander'
import { files_allowed, most_connections, most_open_files } from '../limits.js'
import { choose_cores, pin_this_process } from '../process/cores.js'
import { end_when_told, was_told_to_end } from '../process/interrupted.js'
import { stop_all } from '../process/running.js'
import { this_machine } from '../results.js'
import { CLUSTER_NAMES } from '../subjects/clusters.js'
import { find_subjects } from '../subjects/subjects.js'
import { type BrokerCapacity, type Capacity, measure_broker, measure_unwanted_cost } from './capacity.js'
import { capacity_text } from './report.js'
import { FULL, QUICK } from './settings.js'

const RESULTS = fileURLToPath(new URL('../../../../docs/benchmarks/capacity.json', import.meta.url))

interface Given {
  readonly quick?: true
  readonly out?: string
}

const command = new Command('pnpm capacity')
  .description(
    'Measures what servers on one broker cost, as the basis of docs/capacity.md. Takes about 9 minutes, and writes docs/benchmarks/capacity.json.',
  )
  .option(
    '--quick',
    'in less than a minute: a check that all works, with figures too rough to quote; writes no file',
  )
  .option('--out <file>', 'where to write the results', file_to_write)
  .parse()

end_when_told(() => {})
try {
  const { quick: is_quick, out } = command.opts<Given>()
  const capacity = await measure(is_quick === true)
  process.stdout.write(`${capacity_text(capacity)}\n`)
  const file = out ?? (is_quick ? undefined : RESULTS)
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(capacity, null, 2)}\n`)
    process.stdout.write(`\nWritten: ${resolve(file)}\n`)
  }
} catch (error) {
  if (!was_told_to_end()) {
    process.exitCode = 1
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
  }
} finally {
  await stop_all()
}

/** Said before anything is measured: what was measured would be lost. */
function file_to_write(path: string): string {
  if (!existsSync(path) || statSync(path).isFile()) return path
  throw new InvalidArgumentError('A folder is there: name a file, whose folder need not be there yet.')
}

async function measure(is_quick: boolean): Promise<Capacity> {
  const cores = choose_cores()
  pin_this_process(cores)
  const wanted = is_quick ? QUICK : FULL
  const most_files = most_open_files()
  const idle_sockets = Math.min(wanted.idle_sockets, most_connections(most_files))
  const settings = { ...wanted, idle_sockets }
  const held =
    idle_sockets === wanted.idle_sockets
      ? ''
      : `Memory is measured with ${idle_sockets} sockets, not ${wanted.idle_sockets}: ${files_allowed(most_files)}.`
  const { found, notes } = find_subjects(CLUSTER_NAMES, undefined)
  const brokers: BrokerCapacity[] = []
  for (const subject of found.filter(({ dialect }) => dialect === 'websocket'))
    brokers.push(await measure_broker(subject, cores, settings))
  const unwanted = []
  for (const subject of found) unwanted.push(await measure_unwanted_cost(subject, cores))
  return {
    date: new Date().toISOString(),
    machine: this_machine(),
    settings,
    notes: [cores.note, held, ...notes].filter(note => note !== ''),
    brokers,
    unwanted,
  }
}
