#!/usr/bin/env node
// Measures how clients come back after their server has restarted, and writes docs/benchmarks/restarts.*:
// `pnpm bench:restarts`.
import { mkdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { choose_cores, pin_this_process } from '../process/cores.js'
import { end_on_signals, stop_all, was_interrupted } from '../process/running.js'
import { this_machine } from '../results.js'
import { type RestartResults, restarts_svg, restarts_table } from './report.js'
import { ENDINGS, type EndingName, measure_restart, type Restart } from './restart.js'

const USAGE = 'pnpm bench:restarts [--clients 1000] [--down-ms 1000] [--out docs/benchmarks]'
const DOCS = fileURLToPath(new URL('../../../../docs/benchmarks', import.meta.url))
const INVALID_ARGUMENTS = 2

end_on_signals()

try {
  const { clients, down_ms, out } = arguments_or_exit()
  const settings = { clients, down_ms }
  const cores = choose_cores()
  pin_this_process(cores)
  const load_average: Record<string, number> = {}
  const restarts: Record<string, Restart> = {}
  for (const [name, ending] of Object.entries(ENDINGS)) {
    process.stderr.write(`${ending.label}\n`)
    load_average[name] = loadavg()[0] as number
    restarts[name] = await measure_restart(ending, settings, cores)
  }
  const results: RestartResults = {
    date: new Date().toISOString(),
    machine: this_machine(),
    load_average: load_average as Record<EndingName, number>,
    settings,
    restarts: restarts as Record<EndingName, Restart>,
  }
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'restarts.json'), `${JSON.stringify(results)}\n`)
  writeFileSync(join(out, 'restarts.svg'), restarts_svg(results))
  process.stdout.write(`${restarts_table(results)}\n\nWritten into ${out}: restarts.json, restarts.svg\n`)
} catch (error) {
  if (!was_interrupted()) {
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
} finally {
  await stop_all()
}

function arguments_or_exit(): { clients: number; down_ms: number; out: string } {
  try {
    const { values } = parseArgs({
      // pnpm passes `--` on.
      args: process.argv.slice(2).filter(word => word !== '--'),
      options: {
        clients: { type: 'string', default: '1000' },
        'down-ms': { type: 'string', default: '1000' },
        out: { type: 'string', default: DOCS },
      },
    })
    const clients = whole_number('clients', values.clients)
    return { clients, down_ms: whole_number('down-ms', values['down-ms']), out: values.out }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`)
    process.exit(INVALID_ARGUMENTS)
  }
}

function whole_number(name: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new Error(`--${name} is "${text}"; expected a whole number from 1 to 99,999`)
}
