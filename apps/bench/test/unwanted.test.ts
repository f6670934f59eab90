import { describe, expect, it } from 'vitest'
// @boundaries-ignore what the machine has is found in one place for the whole repository
import { NATS, path_of, REDIS } from '../../../scripts/test_run/programs.mjs'
import { measure_unwanted, type Unwanted } from '../src/capacity/unwanted.ts'
import type { ClusterName } from '../src/subjects/clusters.ts'
import { find_subjects } from '../src/subjects/subjects.ts'

const UNPINNED = { subject: undefined, load: undefined, note: '' }
const MESSAGES = 3_000

/** The message that is wanted, and what servers and brokers say of themselves meanwhile; a byte of each message would be three times as much. */
const FEW_BYTES = 1_000

const TAKES_MS = 180_000

async function unwanted(name: ClusterName): Promise<Unwanted> {
  path_of(name === 'bt_net_nats' ? NATS : REDIS)
  const [subject] = find_subjects([name], undefined).found
  if (subject === undefined) throw new Error(`${name} is not here`)
  return measure_unwanted(subject, UNPINNED, MESSAGES)
}

describe('3,000 messages to topics that a node has no member of', () => {
  it.for(['bt_net_nats', 'bt_net_redis'] as const)(
    'reach it through %s with no byte',
    { timeout: TAKES_MS },
    async name => {
      const { messages, heard } = await unwanted(name)
      expect(messages).toBe(MESSAGES)
      const text = heard.toString('latin1')
      expect(text.split('.wanted')).toHaveLength(2)
      expect(text).not.toContain('topic-')
      expect(text.length).toBeLessThan(FEW_BYTES)
    },
  )

  it(
    'all reach it through the adapter of socket.io that subscribes to everything',
    async () => {
      const { heard } = await unwanted('socket.io_redis')
      expect(heard.toString('latin1').split('topic-').length - 1).toBeGreaterThanOrEqual(MESSAGES)
    },
    TAKES_MS,
  )
})
