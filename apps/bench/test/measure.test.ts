import { describe, expect, it } from 'vitest'
import { cpu_during, type MeasuredLoad } from '../src/measures/measure.ts'
import { choose_cores } from '../src/process/cores.ts'
import { Program } from '../src/process/program.ts'

/** Answers each command with a CPU time that is 30 ms more than before. */
const SCRIPT = `let cpu_us = 0
require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
  console.log(JSON.stringify({ id: JSON.parse(line).id, result: (cpu_us += 30_000) }))
})`

const UNPINNED = { subject: undefined, load: undefined, note: '' }

async function run(): Promise<MeasuredLoad> {
  return { messages: 1_000, elapsed_ms: 100, load_cpu_us: 20_000 }
}

describe('cpu_during', () => {
  it('computes figures from the CPU times before and after', async () => {
    const program = new Program({
      name: 'it',
      command: process.execPath,
      args: ['-e', SCRIPT],
      core: undefined,
    })
    expect(await cpu_during({ program, cores: UNPINNED }, run)).toEqual({
      messages: 1_000,
      elapsed_ms: 100,
      cpu_us_per_message: 30,
      messages_per_s: 10_000,
      cpu_share: 0.3,
      load_cpu_share: 0.2,
    })
    await program.stop()
  })

  it('reports the shares of other programs if cores are pinned', async context => {
    const cores = choose_cores()
    if (cores.note !== '') return context.skip(cores.note)
    const program = new Program({
      name: 'it',
      command: process.execPath,
      args: ['-e', SCRIPT],
      core: undefined,
    })
    const figures = await cpu_during({ program, cores }, run)
    expect(figures.others_share).toBeGreaterThanOrEqual(0)
    expect(figures.load_others_share).toBeGreaterThanOrEqual(0)
    await program.stop()
  })
})
