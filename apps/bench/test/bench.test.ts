import { describe, expect, it } from 'vitest'
import { run_bench } from '../src/bench.ts'
import { Repeats } from '../src/disturbance.ts'
import { MEASURES } from '../src/measures/all.ts'
import type { Measure } from '../src/measures/measure.ts'
import { MEASURE_NAMES, type MeasureName, type Sample } from '../src/results.ts'
import type { Settings } from '../src/settings.ts'
import { CLUSTER_NAMES, find_subjects, SUBJECT_NAMES, type SubjectName } from '../src/subjects/subjects.ts'

/** The smallest settings that show that everything works. The figures of so short a run mean nothing. */
const TINY: Settings = {
  rounds: 1,
  warm_up_rounds: 0,
  most_repeats: 0,
  connections: 4,
  depths: [1, 8],
  run_ms: 10,
  settle_ms: 1,
  sizes: [
    { bytes: 16, depths: [1, 2] },
    { bytes: 1_048_576, depths: [1] },
  ],
  only_texts: false,
  audiences: [10, 50],
  cluster_audience: 20,
  handshakes_at_a_time: 4,
  idle_connections: 20,
  latency_ms: 30,
  flood_ms: 10,
}

/** Enough subjects to run every measure, and all code of each subject. More would take long to start. */
const TESTED_SUBJECTS: Readonly<Record<MeasureName, readonly SubjectName[]>> = {
  echo: ['bt_net', 'ws_bufferutil', 'socket.io', 'bun', 'raw'],
  sizes: ['bt_net', 'raw'],
  tls: ['bt_net', 'ws', 'socket.io', 'bun', 'raw'],
  fan_out: ['bt_net', 'ws', 'socket.io', 'bun', 'raw'],
  connect: ['socket.io', 'raw'],
  memory: ['bt_net', 'bun'],
  latency: ['socket.io'],
  many: ['bt_net'],
  floods: ['bt_net'],
  client: ['bt_net', 'ws', 'socket.io', 'bun', 'raw'],
  compression: ['bt_net', 'ws'],
  cluster: CLUSTER_NAMES,
}

/** Figures that may be 0 or less in a tiny run. */
const MAY_BE_ZERO =
  /^(heap|rss)_bytes_per_connection$|others_share$|^worst_added_ms$|^clients_ended$|^unanswered$/

const TIMEOUT_MS = 180_000

describe('the bench', () => {
  it(
    'runs every measure, with figures, and with an answer to every message',
    async () => {
      const rounds: string[] = []
      const { found } = find_subjects(SUBJECT_NAMES, undefined)
      const samples = await run_bench({
        measures: Object.values(MEASURES).map(measure => ({
          ...measure,
          applies_to: subject =>
            measure.applies_to(subject) && TESTED_SUBJECTS[measure.name].includes(subject.name),
        })),
        subjects: found,
        settings: TINY,
        seed: 1,
        cores: { subject: undefined, load: undefined, note: '' },
        on_round: (measure, round) => rounds.push(`${measure} ${round}`),
        repeats: new Repeats(0),
      })
      const of = (name: string): Sample[] => samples.filter(({ measure }) => measure === name)
      const subject_count = (name: MeasureName): number =>
        found.filter(subject => TESTED_SUBJECTS[name].includes(subject.name)).length
      expect(Object.fromEntries(MEASURE_NAMES.map(name => [name, of(name).length]))).toEqual({
        echo: 3 * subject_count('echo'),
        // Bare TCP has no mixed sizes.
        sizes: 5 * subject_count('sizes') + 1,
        tls: 2 * subject_count('tls'),
        fan_out: 4 * subject_count('fan_out'),
        connect: subject_count('connect'),
        memory: subject_count('memory'),
        latency: 3 * subject_count('latency'),
        many: subject_count('many'),
        floods: 5 * subject_count('floods'),
        client: 4 * subject_count('client'),
        compression: 2 * subject_count('compression'),
        cluster: 4 * subject_count('cluster'),
      })
      for (const { measure, subject, figures } of samples)
        for (const [name, value] of Object.entries(figures)) {
          expect(value, `${measure}, ${subject}, ${name}`).toSatisfy(Number.isFinite)
          if (!MAY_BE_ZERO.test(name)) expect(value, `${measure}, ${subject}, ${name}`).toBeGreaterThan(0)
        }
      // A measure ends when the last byte of an answer has arrived, so only whole bursts are counted.
      for (const { case_name, group, figures } of of('fan_out')) {
        const sockets = Number(/\d+/.exec(case_name)?.[0])
        expect((figures.messages as number) % (group === 'one message' ? sockets : sockets * 16)).toBe(0)
      }
      for (const { figures } of of('cluster')) expect((figures.messages as number) % 20).toBe(0)
      expect(rounds).toEqual(MEASURE_NAMES.map(name => `${name} 1`))
    },
    TIMEOUT_MS,
  )

  it('measures disturbed figures again only in rounds that count', async () => {
    const repeats = new Repeats(1)
    const runs_by_round: number[] = []
    const disturbed: Measure = {
      ...MEASURES.echo,
      start: async stage => async () => {
        let runs = 0
        await stage.least_disturbed(async () => {
          runs += 1
          return { others_share: 1 }
        })
        runs_by_round.push(runs)
        return []
      },
    }
    await run_bench({
      measures: [disturbed],
      subjects: find_subjects(['raw'], undefined).found,
      settings: { ...TINY, warm_up_rounds: 1, rounds: 1 },
      seed: 1,
      cores: { subject: undefined, load: undefined, note: '' },
      on_round: () => {},
      repeats,
    })
    expect(runs_by_round).toEqual([1, 2])
    expect(repeats.made).toBe(1)
  })
})
