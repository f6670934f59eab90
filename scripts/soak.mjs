// Strains the built code for minutes: clients that come and go, then joins and leaves over each broker: `pnpm soak`. Ends with 1 if anything
// was lost without a word, or left behind.
import { fileURLToPath } from 'node:url'
import { start_nats, start_redis } from '../packages/test-support/src/brokers.mjs'
import { run } from './children.mjs'

/**
 * Runs a program of a suite, and returns its exit code.
 * @param {string} program
 * @param {readonly string[]} args
 */
async function strain(program, ...args) {
  const file = fileURLToPath(new URL(`../suites/${program}`, import.meta.url))
  const { code } = await run(process.execPath, ['--expose-gc', file, ...args])
  return code
}

/**
 * @param {'nats' | 'redis'} kind
 * @param {() => Promise<import('../packages/test-support/src/brokers.mjs').Broker>} start
 */
async function strain_with(kind, start) {
  const broker = await start()
  try {
    return await strain('cluster/dist/join_soak.js', kind, broker.url)
  } finally {
    await broker.close()
  }
}

// Each only if the one before it succeeded: the first one also checks the arguments.
process.exitCode =
  (await strain('faults/dist/soak.js', ...process.argv.slice(2))) ||
  (await strain_with('nats', start_nats)) ||
  (await strain_with('redis', start_redis))
