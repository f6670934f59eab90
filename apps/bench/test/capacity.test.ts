import { describe, expect, it } from 'vitest'
// @boundaries-ignore what the machine has is found in one place for the whole repository
import { NATS, path_of } from '../../../scripts/test_run/programs.mjs'
import { type Capacity, measure_broker } from '../src/capacity/capacity.ts'
import { capacity_text } from '../src/capacity/report.ts'
import { type CapacitySettings, QUICK } from '../src/capacity/settings.ts'
import { this_machine } from '../src/results.ts'
import { find_subjects } from '../src/subjects/subjects.ts'

/** As little as shows that everything works; figures of so short a time mean nothing. */
const TINY: CapacitySettings = {
  ...QUICK,
  run_ms: 20,
  settle_ms: 5,
  idle_ms: 20,
  sockets: 20,
  topics: [50],
  idle_sockets: 20,
  shared: { topics: 5, members: 4, messages_per_s: [200] },
}

const UNPINNED = { subject: undefined, load: undefined, note: '' }
const TAKES_MS = 180_000

/** All numbers in something. */
function numbers_in(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbers_in) : []
}

describe('capacity', () => {
  const [subject] = find_subjects(['bt_net_nats'], undefined).found

  it.skipIf(process.platform !== 'linux')(
    'is measured of every part, in numbers, and told',
    async () => {
      path_of(NATS)
      if (subject === undefined) throw new Error('NATS was left out')
      const capacity: Capacity = {
        date: new Date().toISOString(),
        machine: this_machine(),
        settings: TINY,
        notes: ['not pinned'],
        brokers: [await measure_broker(subject, UNPINNED, TINY)],
        unwanted: [],
      }
      expect(numbers_in(capacity).every(Number.isFinite)).toBe(true)
      for (const { costs, shared, presence, subscriptions, sockets } of capacity.brokers) {
        expect(costs.messages.map(each => `${each.load} ${each.receivers} × ${each.audience}`)).toEqual(
          ['0 × 0', '1 × 1', '3 × 1', '1 × 10', '1 × 20'].flatMap(reach => [
            `lone ${reach}`,
            `busy ${reach}`,
          ]),
        )
        expect(costs.relay.map(each => `${each.load} ${each.receivers}`)).toEqual(
          [0, 4, 16].flatMap(receivers => [`lone ${receivers}`, `busy ${receivers}`]),
        )
        // Whoever is in a topic is reached by what is published to it, on whichever node.
        for (const { publishes, deliveries } of shared) expect(deliveries).toBe(publishes * 4)
        expect([shared, presence, subscriptions, sockets].map(rows => rows.length)).toEqual([2, 2, 1, 3])
      }
      const text = capacity_text(capacity)
      for (const words of [
        'OVER NATS',
        'The model',
        '2 nodes, 200 a second',
        'in a topic of its own',
        '! not pinned',
      ])
        expect(text).toContain(words)
    },
    TAKES_MS,
  )
})
