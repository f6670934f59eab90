// Runs the soak tests on the built code (`pnpm soak`): clients that connect and disconnect, then sessions whose
// connections are cut, then a page and a client in trouble, then joins and leaves over each broker. Exits with 1 if
// a message was lost without a report, a client came back late, or a resource has leaked.
import { fileURLToPath } from 'node:url'
import { start_nats, start_redis } from '../packages/test-support/src/brokers.mjs'
import { run } from './children.mjs'

/**
 * Runs a program of a suite, and returns its exit code.
 * @param {string} program
 * @param {readonly string[]} args
 */
async function run_program(program, ...args) {
  const file = fileURLToPath(new URL(`../suites/${program}`, import.meta.url))
  const { code } = await run(process.execPath, ['--expose-gc', file, ...args])
  return code
}

/**
 * @param {'nats' | 'redis'} kind
 * @param {() => Promise<import('../packages/test-support/src/brokers.mjs').Broker>} start
 */
async function soak_joins(kind, start) {
  const broker = await start()
  try {
    return await run_program('cluster/dist/join_soak.js', kind, broker.url)
  } finally {
    await broker.close()
  }
}

// Each program runs only if the previous one succeeded; the first one also checks the arguments.
const args = process.argv.slice(2)
process.exitCode =
  (await run_program('faults/dist/soak.js', ...args)) ||
  (await run_program('faults/dist/session_soak.js', ...args)) ||
  (await run_program('faults/dist/trouble.js', ...args)) ||
  (await soak_joins('nats', start_nats)) ||
  (await soak_joins('redis', start_redis))
