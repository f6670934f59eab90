import type { Results } from '../results.js'
import { charts_of } from './charts.js'
import { doubts_of } from './doubts.js'
import { markdown_of } from './table.js'
import { groups_of, measures_of, tables_of } from './tables.js'
import { targets_table } from './targets.js'
import { VIEWS } from './views.js'

const HOW_TO_READ = `# Benchmarks

This page is made by \`pnpm bench\` ([apps/bench](../../apps/bench/README.md)), on the machine that is named below. Run it on yours: what
counts is how things compare, and that depends on the machine less than the figures do.

Each subject runs in a process of its own, kept on one core; the load has another core. The load sends ready-made frames over bare TCP
sockets and counts the bytes that come back, so it is seldom the limit, and what is measured is the subject. All are measured in turn, again
in every round, in an order drawn anew, after a round that is thrown away. **CPU time per message** is what counts here: user and system
time of the subject's process, all its threads, for each message. It tells how much a core can do. Messages a second are told beside it. A
figure is the median over all rounds. A ratio is the median of the ratios within each round, with the least and the most of them in
brackets: where these are far apart, it is uncertain. In the charts, a bar is the median, the line on it goes from the least to the
most, and shorter is better.

- **@bt/net** is used as its readme tells, through \`listen\` and \`connect\`, with their defaults; only the bounds of sizes, queues and
  connections are raised, where a measure needs more. Text reaches \`on_message\` as a string, and is sent as one.
- **ws** is used in the way that is quickest for it: no compression, text echoed as the Buffer it came in, never made a string, and fan-out with
  a Buffer that was made once.
- **socket.io** speaks WebSocket alone, never polling. Its messages are events with one argument, in its own protocol.
- **Bun** is \`Bun.serve\` with a WebSocket handler, and Bun's own WebSocket as the client; text is a string.
- **Over NATS**, **over Redis** are two servers of \`@bt/net\` that the option \`cluster\` joins, with nothing else set. **socket.io over Redis** is two of socket.io
  with its Redis adapter (\`createAdapter\`, and the client \`redis\`), and **socket.io sharded** the same with \`createShardedAdapter\`, which has a channel for each
  room. Each has a broker of its own, with that one's defaults, but for a Redis that keeps nothing on disk.
- **Bare TCP** is no WebSocket: it counts bytes, looks at none, and answers with as many as the frames would have. That is what
  Node's sockets cost by themselves.`

/** The page of a run, as Markdown. */
export function readme_of(results: Results): string {
  const targets = targets_table(results)
  const doubts = doubts_of(results)
  return `${[
    HOW_TO_READ,
    `## This run\n\n${this_run(results)}\nAll rounds are in [results.json](results.json).`,
    ...(doubts.length === 0 ? [] : [doubts.map(doubt => `- ${doubt}`).join('\n')]),
    ...(targets === undefined ? [] : [`## Targets\n\n${markdown_of(targets)}`]),
    ...sections_of(results),
  ].join('\n\n')}\n`
}

/** What ran, on what, and when; a sentence or two. */
export function this_run({ date, seed, machine, settings, subjects }: Results): string {
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
