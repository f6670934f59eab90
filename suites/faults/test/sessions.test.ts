import { describe_with, system_program } from '@bt/test-support/installed'
import { describe, expect, it } from 'vitest'
import { figures_line } from '../src/sessions/audit.ts'
import { LEDGER_BROKERS } from '../src/sessions/brokers.ts'
import { HOLD_MS, type LedgerRun, run_ledger } from '../src/sessions/ledger_run.ts'
import { LedgerServer } from '../src/sessions/ledger_server.ts'
import { dispose_after_test } from './endpoints.ts'

/** A new seed for each run. A failing test prints it, and `TEST_SEED=… npx vitest run sessions` repeats the run. */
const seed = Number(process.env.TEST_SEED ?? Date.now() % 0x8000_0000)

async function expect_explained(name: string, run: Omit<LedgerRun, 'seed'>): Promise<void> {
  const figures = await run_ledger({ seed, ...run })
  console.log(figures_line(name, seed, figures))
  expect(figures.unexplained, `TEST_SEED=${seed}`).toEqual([])
  expect(figures.recovered).toBeGreaterThan(0)
}

describe(`a session whose connection is cut again and again (TEST_SEED=${seed})`, () => {
  it('handles each message once and in order, in both directions, or accounts for it', async () => {
    const server = await LedgerServer.start({ name: 'a', seed, hold_ms: HOLD_MS })
    const until = { cuts: 1_000 }
    await expect_explained('one server', { nodes: [server], clients: 8, until, restart_rate: 1 / 300 })
  })

  for (const { name, program, start, port_to } of LEDGER_BROKERS)
    describe_with(system_program(program), `over ${name}`, () => {
      it('does so when each connection comes to another server than the one before', async () => {
        const broker = await start()
        dispose_after_test({ [Symbol.asyncDispose]: () => broker.close() })
        const create_cluster_port = () => port_to(broker.url)
        const nodes = await Promise.all(
          ['a', 'b'].map((node, index) =>
            LedgerServer.start({ name: node, seed: seed + index, hold_ms: HOLD_MS, create_cluster_port }),
          ),
        )
        const until = { cuts: 200 }
        await expect_explained(`two servers over ${name}`, {
          nodes,
          clients: 4,
          until,
          restart_rate: 1 / 150,
        })
      })
    })
})
