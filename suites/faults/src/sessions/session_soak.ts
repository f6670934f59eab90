// Sessions whose connections are cut for minutes: `pnpm soak`. Prints a line of figures for each part, and exits
// with 1 if a message is unexplained.
import { parseArgs } from 'node:util'
import { free_port } from '@bt/test-support/free_port'
import { CHROMIUM, MissingProgram, path_of } from '@bt/test-support/programs'
import { figures_line, type SessionFigures } from './audit.js'
import { LEDGER_BROKERS, type LedgerBroker } from './brokers.js'
import { HOLD_MS, type LedgerRun, run_ledger } from './ledger_run.js'
import { type LedgerNode, LedgerServer } from './ledger_server.js'
import { open_page } from './page_clients.js'
import { start_worker } from './worker_node.js'

const { values } = parseArgs({
  args: process.argv.slice(2).filter(word => word !== '--'),
  options: {
    // All parts together.
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    part: { type: 'string' },
    // Instead of minutes, for each part.
    cuts: { type: 'string' },
    // Of `pnpm soak`, for the other programs.
    clients: { type: 'string' },
  },
})
const seed = Number(values.seed)

/** A part of the soak. */
interface Part {
  readonly name: string
  run(until: LedgerRun['until']): Promise<SessionFigures>
}

const run_on = (nodes: readonly LedgerNode[], until: LedgerRun['until']): Promise<SessionFigures> =>
  run_ledger({ seed, nodes, clients: 16, until, restart_rate: 1 / 1_000 })

const parts: readonly Part[] = [
  {
    name: 'one server',
    run: async until => run_on([await LedgerServer.start({ name: 'a', seed, hold_ms: HOLD_MS })], until),
  },
  ...LEDGER_BROKERS.map(broker => ({
    name: `two servers over ${broker.name}`,
    run: (until: LedgerRun['until']) => run_over(broker, url => start_two(broker, url), until),
  })),
  {
    name: 'four workers',
    run: until => {
      const [broker] = LEDGER_BROKERS.filter(({ program }) => program.find() !== undefined)
      if (broker === undefined) throw new MissingProgram((LEDGER_BROKERS[0] as LedgerBroker).program)
      return run_over(broker, url => start_workers(broker, url), until)
    },
  },
  {
    name: 'a page in Chromium',
    run: async until => {
      path_of(CHROMIUM)
      const server = await LedgerServer.start({ name: 'a', seed, hold_ms: HOLD_MS })
      const { connect, close } = await open_page()
      const run = { seed, nodes: [server], clients: 6, until, restart_rate: 1 / 1_000, connect }
      return await run_ledger(run).finally(close)
    },
  },
]

async function run_over(
  broker: LedgerBroker,
  start_nodes: (url: string) => Promise<readonly LedgerNode[]>,
  until: LedgerRun['until'],
): Promise<SessionFigures> {
  const running = await broker.start()
  try {
    return await run_on(await start_nodes(running.url), until)
  } finally {
    await running.close()
  }
}

function start_two({ port_to }: LedgerBroker, url: string): Promise<readonly LedgerNode[]> {
  const create_cluster_port = () => port_to(url)
  return Promise.all(
    ['a', 'b'].map((name, index) =>
      LedgerServer.start({ name, seed: seed + index, hold_ms: HOLD_MS, create_cluster_port }),
    ),
  )
}

async function start_workers(
  { name: broker }: LedgerBroker,
  broker_url: string,
): Promise<readonly LedgerNode[]> {
  const port = await free_port()
  return await Promise.all(
    ['a', 'b', 'c', 'd'].map((name, index) =>
      start_worker({ name, seed: seed + index, hold_ms: HOLD_MS, port, broker, broker_url }),
    ),
  )
}

const chosen = parts.filter(({ name }) => values.part === undefined || name.includes(values.part))
console.log(`sessions: seed ${seed}, ${chosen.map(({ name }) => name).join(', ')}`)
let unexplained = 0
for (const { name, run } of chosen) {
  try {
    const figures = await run(
      values.cuts === undefined
        ? { minutes: Number(values.minutes) / chosen.length }
        : { cuts: Number(values.cuts) },
    )
    console.log(figures_line(name, seed, figures))
    for (const problem of figures.unexplained.slice(0, 20)) console.log(problem)
    unexplained += figures.unexplained.length
  } catch (error) {
    if (!(error instanceof MissingProgram)) throw error
    console.log(`${name}: skipped, because ${error.message}`)
  }
}
process.exit(unexplained === 0 ? 0 : 1)
