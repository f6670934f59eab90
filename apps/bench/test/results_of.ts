import type { Figures, MeasureName, Results, Sample } from '../src/results.ts'
import { FULL } from '../src/settings.ts'
import type { SubjectName } from '../src/subjects/subjects.ts'

/** Returns the results of a made-up run. */
export function results_of(samples: readonly Sample[], notes: readonly string[] = []): Results {
  const labels: Record<string, string> = {
    bt_net: '@bt/net',
    ws: 'ws',
    bun: 'Bun',
    bt_net_nats: '@bt/net over NATS',
    'socket.io_redis': 'socket.io over Redis',
  }
  const names = [...new Set(samples.map(sample => sample.subject))]
  return {
    date: '2025-01-02T03:04:05.678Z',
    seed: 7,
    measured_again: 0,
    machine: { cpu: 'A CPU', cores: 2, memory_bytes: 8 * 2 ** 30, kernel: 'linux 6', node: 'v20.0.0' },
    settings: FULL,
    notes,
    subjects: names.map(name => ({ name, label: labels[name] ?? name, version: '1.2.3' })),
    samples,
  }
}

/** Returns a sample for each round, from the first. */
export function rounds_of(
  subject: SubjectName,
  rounds: readonly Figures[],
  place: { measure?: MeasureName; group?: string; case_name?: string } = {},
): Sample[] {
  return rounds.map((figures, index) => ({
    measure: 'echo',
    group: '',
    case_name: '1 under way',
    ...place,
    subject,
    round: index + 1,
    figures,
  }))
}

/** Returns figures with these CPU times per message, for each round. */
export function cpu(...figures: number[]): Figures[] {
  return figures.map(cpu_us_per_message => ({ cpu_us_per_message, messages_per_s: 1e6 / cpu_us_per_message }))
}
