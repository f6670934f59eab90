import { describe, expect, it } from 'vitest'
import { run_bench, type Sample, type Step } from '../src/bench.ts'
import { MEASURES } from '../src/measures/all.ts'
import { MEASURE_NAMES } from '../src/measures/measure.ts'
import type { Settings } from '../src/settings.ts'
import { find_subjects, SUBJECT_NAMES } from '../src/subjects/subjects.ts'

/** As little as shows that everything works; figures of so short a time mean nothing. */
const TINY: Settings = {
  rounds: 1,
  warm_up_rounds: 0,
  connections: 4,
  depths: [1, 8],
  run_ms: 10,
  settle_ms: 1,
  sizes_bytes: [16, 16_384, 1_048_576],
  audiences: [10, 50],
  cluster_audience: 20,
  handshakes_at_a_time: 4,
  idle_connections: 20,
  latency_ms: 30,
}

/** What may be nothing, or less than nothing where there is little: growth of memory, and what others took. */
const MAY_BE_NOTHING = /^(heap|rss)_bytes_per_connection$|others_share$/

const TAKES_MS = 180_000

describe('the bench', () => {
  it(
    'has every measure of every subject, with figures, and every message answered',
    async () => {
      const steps: Step[] = []
      const { found } = find_subjects(SUBJECT_NAMES, undefined)
      const samples = await run_bench({
        measures: Object.values(MEASURES),
        subjects: found,
        settings: TINY,
        seed: 1,
        cores: { subject: undefined, load: undefined, note: '' },
        on_step: step => steps.push(step),
      })
      const of = (name: string): Sample[] => samples.filter(({ measure }) => measure === name)
      const clusters = found.filter(({ broker }) => broker !== undefined).length
      const count = found.length - clusters
      expect(Object.fromEntries(MEASURE_NAMES.map(name => [name, of(name).length]))).toEqual({
        echo: 3 * count,
        sizes: 6 * count,
        fan_out: 4 * count,
        connect: count,
        memory: count,
        latency: 3 * count,
        client: 2 * count,
        compression: 2 * 2,
        cluster: 4 * clusters,
      })
      for (const { measure, subject, figures } of samples)
        for (const [name, value] of Object.entries(figures)) {
          expect(value, `${measure}, ${subject}, ${name}`).toSatisfy(Number.isFinite)
          if (!MAY_BE_NOTHING.test(name)) expect(value, `${measure}, ${subject}, ${name}`).toBeGreaterThan(0)
        }
      // A measure ends when each message was answered, to the byte; how many there were is then a matter of whole windows.
      for (const { case_name, group, figures } of of('fan_out')) {
        const sockets = Number(/\d+/.exec(case_name)?.[0])
        expect((figures.messages as number) % (group === 'one message' ? sockets : sockets * 16)).toBe(0)
      }
      for (const { figures } of of('cluster')) expect((figures.messages as number) % 20).toBe(0)
      expect(steps).toHaveLength(7 * count + 2 + clusters)
      expect(steps.every(({ done }) => done >= 0 && done < 1)).toBe(true)
    },
    TAKES_MS,
  )
})
