import { describe, expect, it } from 'vitest'
import { outcome_of } from '../src/trouble/outcomes.ts'
import type { TalkerEvent } from '../src/trouble/trouble_messages.ts'

const SPAN = { dead_ms: 1_000, can_connect_ms: 5_000 }
const message = (at_ms: number): TalkerEvent => ({ event: 'message', at_ms })
const lost = (at_ms: number, code: number): TalkerEvent => ({ event: 'lost', at_ms, cause: 'peer', code })

describe('outcome_of', () => {
  it('measures from the dead connection until it was noticed, and from then or later until it was open', () => {
    const events: TalkerEvent[] = [
      lost(100, 1006),
      { event: 'open', at_ms: 200 },
      message(900),
      lost(3_000, 1012),
      { event: 'failed', at_ms: 4_000, why: 'connect_timeout' },
      { event: 'open', at_ms: 5_500 },
      message(5_600),
    ]
    const outcome = {
      noticed_ms: 2_000,
      ended_by: 'peer, 1012',
      open_ms: 500,
      waited_ms: 500,
      message_ms: 600,
    }
    expect(outcome_of('', 'node', events, SPAN)).toMatchObject({ ...outcome, failed: 1 })
    expect(outcome_of('', 'node', events, { ...SPAN, can_connect_ms: 2_500 })).toMatchObject({
      open_ms: 3_000,
      waited_ms: 2_500,
    })
  })

  it('counts a connection that was refused after it was open as a failed attempt', () => {
    const refused: TalkerEvent[] = [{ event: 'open', at_ms: 5_100 }, lost(5_110, 4401)]
    const events = [lost(1_500, 4401), ...refused, { event: 'open', at_ms: 6_000 } as const, message(6_100)]
    expect(outcome_of('', 'page', events, SPAN)).toMatchObject({ noticed_ms: 500, open_ms: 1_000, failed: 1 })
  })

  it('finds the next message of a connection that survived', () => {
    expect(outcome_of('', 'page', [message(4_000), message(5_200)], SPAN)).toMatchObject({
      noticed_ms: undefined,
      open_ms: undefined,
      message_ms: 200,
      failed: 0,
    })
  })
})
