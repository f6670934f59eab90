import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Results } from '../results.js'
import { charts_of } from './charts.js'
import { gate_table } from './gate.js'
import { markdown_of, text_of } from './table.js'
import { groups_of, measures_of, tables_of } from './tables.js'
import { targets_table } from './targets.js'
import { VIEWS } from './views.js'
import { warnings_of } from './warnings.js'

const HOW_TO_READ = `# Benchmarks

\`pnpm bench\` ([apps/bench](../../apps/bench/README.md)) made this page, on the machine named below. Run it on yours: what matters is how
the subjects compare, and that depends on the machine less than the absolute figures do.

Each subject runs in its own process, pinned to one core; the load runs on another core. The load sends ready-made frames over bare TCP
sockets and counts the bytes that come back, so it is seldom the limit, and the figures are those of the subject. Every round measures all
subjects in a new random order; a first round is discarded.

- **CPU time per message** is the main figure: user and system time of the subject's process, over all its threads, divided by the number of
  messages. It tells you how much one core can do. Messages per second are given as well.
- **A figure** is the median over all rounds. **A ratio**, as in "Relative to ws", is the median of the ratios within each round, with the lowest and
  the highest in brackets: if these are far apart, the ratio is uncertain.
- **In the charts**, a bar is the median, and the line on it runs from the lowest to the highest value. Shorter is better.
- **"8 under way"** means that each connection has 8 messages in flight at any time.

The subjects:

- **@bt/net** is used as its readme shows, through \`listen\` and \`connect\`, with their defaults; only the limits on sizes, queues and
  connections are raised if a test needs more. Text reaches \`on_message\` as a string, and is sent as one.
- **ws** is used in the way that is fastest for it: no compression, text echoed as the Buffer in which it arrived, without ever becoming a string, and
  fan-out with a Buffer made once.
- **ws with bufferutil** is the same \`ws\`, with the optional native module that masks and unmasks for it.
- **socket.io** uses only WebSocket, no polling. Its messages are events with one argument, in its own protocol.
- **Bun** is \`Bun.serve\` with a WebSocket handler, and Bun's own WebSocket as the client; text is a string.
- **Over NATS** and **over Redis** are two servers of \`@bt/net\` joined by the option \`cluster\`, with nothing else set. **socket.io over Redis** is two servers
  of socket.io with its Redis adapter (\`createAdapter\`, and the client \`redis\`); **socket.io sharded** uses \`createShardedAdapter\` instead, which has a channel
  for each room. Each pair has its own broker with default settings, except that Redis does not save to disk.
- **Bare TCP** is not WebSocket: it counts bytes without looking at them, and answers with as many as the frames would have. It shows what
  Node's sockets cost by themselves.`

/** Returns the page of a run as Markdown. */
export function readme_of(results: Results): string {
  const targets = targets_table(results)
  const warnings = warnings_of(results)
  return `${[
    HOW_TO_READ,
    `## This run\n\n${this_run(results)}\nAll rounds are in [results.json](results.json).`,
    ...(warnings.length === 0 ? [] : [warnings.map(warning => `- ${warning}`).join('\n')]),
    ...(targets === undefined ? [] : [`## Targets\n\n${markdown_of(targets)}`]),
    ...sections_of(results),
  ].join('\n\n')}\n`
}

/** Describes the date, the machine and the versions of a run. */
function this_run({ date, seed, machine, settings, subjects }: Results): string {
  const gib = Math.round(machine.memory_bytes / 2 ** 30)
  const versions = subjects
    .filter(({ name }) => name !== 'raw')
    .map(({ label, version }) => `${label} ${version}`)
    .join(', ')
  return [
    `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, ${gib} GiB, ${machine.kernel}, Node ${machine.node}.`,
    ...(versions === '' ? [] : [`${versions}.`]),
    `${settings.rounds} rounds of ${settings.run_ms} ms for each figure, seed ${seed}.`,
  ].join('\n')
}

function sections_of(results: Results): string[] {
  const charts = charts_of(results)
  return measures_of(results).map(measure => {
    const { title, about } = VIEWS[measure]
    const groups = groups_of(results, measure).flatMap(group => [
      ...charts
        .filter(chart => chart.measure === measure && chart.group === group.name)
        .map(chart => `![${chart.title}](${chart.name})`),
      ...tables_of(results, group).map(markdown_of),
    ])
    return [`## ${title}`, about, ...groups].join('\n\n')
  })
}

/** Returns the results of a run as plain text, for a terminal. */
export function report_text(results: Results): string {
  const targets = targets_table(results)
  return [
    ...measures_of(results).map(measure => {
      const tables = groups_of(results, measure).flatMap(group => tables_of(results, group))
      return [VIEWS[measure].title.toUpperCase(), ...tables.map(text_of)].join('\n\n')
    }),
    ...(targets === undefined ? [] : [text_of(targets)]),
    ...ending_of(results),
  ].join('\n\n')
}

/** Returns the table of the gate as plain text. */
export function gate_text(results: Results): string {
  return [text_of(gate_table(results)), ...ending_of(results)].join('\n\n')
}

function ending_of(results: Results): string[] {
  const warnings = warnings_of(results)
  const lines = warnings.map(warning => `! ${warning}`)
  return [this_run(results), ...(lines.length === 0 ? [] : [lines.join('\n')])]
}

/**
 * Writes the page, its charts and all figures into a folder without old charts, and returns the names of the
 * files.
 */
export function write_report(results: Results, folder: string): string[] {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(join(folder, name))
  const files: readonly (readonly [string, string])[] = [
    ['README.md', readme_of(results)],
    ['results.json', json_of(results)],
    ...charts_of(results).map(({ name, svg }) => [name, svg] as const),
  ]
  for (const [name, content] of files) writeFileSync(join(folder, name), content)
  return files.map(([name]) => name)
}

/** Reads the results of an earlier run. Throws if a file holds something else. */
export function read_results(file: string): Results {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (is_results(read)) return read
  } catch (error) {
    // A file that is not JSON is reported like one with other JSON; other errors are rethrown.
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(
    `${file} holds no results of this bench: name the results.json that an earlier run has written`,
  )
}

function is_results(read: unknown): read is Results {
  return typeof read === 'object' && read !== null && 'samples' in read && Array.isArray(read.samples)
}

/** Formats results with one line per sample, so that two runs can be compared line by line. */
function json_of({ samples, ...others }: Results): string {
  const head = JSON.stringify(others, null, 2).slice(0, -2)
  return `${head},\n  "samples": [\n${samples.map(sample => `    ${JSON.stringify(sample)}`).join(',\n')}\n  ]\n}\n`
}
