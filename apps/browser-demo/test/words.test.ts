import { expect, it } from 'vitest'
import { Announcer } from '../src/page/announcer.ts'
import { bytes_text, ms_text, opening_text, type Situation, story, things_text } from '../src/page/words.ts'
import { free_name } from '../src/server/names.ts'

const OPEN: Situation = {
  state: 'open',
  info: undefined,
  next: undefined,
  has_session: false,
  is_full: false,
  queued_bytes: 0,
  is_slow: false,
  load: 'none',
}
const WAITING = { state: 'reconnecting', next: { attempt: 2, wait_ms: 2_001 } } as const
const ENDED = { code: 1006, reason: '', cause: 'network', clean: false, unsent: 0 } as const

it('formats bytes, milliseconds and counts', () => {
  expect([0, 1023, 1024, 12_345, 1_048_000, 1_572_864].map(bytes_text)).toEqual([
    '0 B',
    '1,023 B',
    '1 KiB',
    '12 KiB',
    '1 MiB',
    '1.5 MiB',
  ])
  expect([undefined, 0.44, 9.94, 10, 999, 3_149].map(ms_text)).toEqual([
    '–',
    '0.4 ms',
    '9.9 ms',
    '10 ms',
    '999 ms',
    '3.1 s',
  ])
  expect([things_text(1, 'message'), things_text(1_200, 'message')]).toEqual(['1 message', '1,200 messages'])
})

it.each<[Partial<Situation>, string]>([
  [{ state: 'none' }, 'There is no connection yet'],
  [{ state: 'connecting' }, 'before the connection is open waits in the queue'],
  [{ state: 'closing' }, 'queued messages go out first'],
  [{}, 'Start a load'],
  [{ load: 'echo' }, 'the server answers each message'],
  [{ load: 'feed' }, 'The server sends'],
  [{ load: 'echo', is_slow: true }, 'its own inbox fills'],
  [{ load: 'echo', is_slow: true, queued_bytes: 500_000 }, 'reads slowly'],
  [{ load: 'echo', queued_bytes: 500_000 }, 'sends faster than the network transmits'],
  [{ load: 'echo', is_full: true }, 'returned queue_full'],
  [{ state: 'closed', info: ENDED }, 'broke without a Close'],
  [{ state: 'closed', info: { ...ENDED, unsent: 3 } }, '3 messages'],
  [{ ...WAITING, info: ENDED }, 'broke without a Close. Attempt 2 in 3 s; until it is open, messages wait'],
  [{ ...WAITING, info: ENDED, queued_bytes: 2_048 }, '2 KiB wait in the queue'],
  [{ ...WAITING, info: ENDED, is_full: true }, 'the queue is full'],
  [{ ...WAITING, info: ENDED, has_session: true }, 'wait in the queue. The server keeps the session'],
  [
    { ...WAITING, info: { ...ENDED, cause: 'peer', code: 1012 } },
    'was stopped, and closed in order. Attempt 2',
  ],
  [{ ...WAITING, info: { ...ENDED, cause: 'peer', code: 4002 } }, 'The server closed. Attempt 2'],
  [{ ...WAITING, info: { ...ENDED, cause: 'refused' } }, 'The server does not answer. Attempt 2'],
  [{ ...WAITING, info: { ...ENDED, cause: 'heartbeat' } }, 'The server did not answer pings'],
  [{ ...WAITING, next: { attempt: 1_234, wait_ms: 0 } }, 'Attempt 1,234 is under way'],
  [{ state: 'closed', info: { ...ENDED, cause: 'local', code: 1000, clean: true } }, 'This page closed'],
  [{ state: 'closed', info: { ...ENDED, cause: 'local' } }, 'This page gave up'],
  [{ state: 'closed', info: { ...ENDED, cause: 'peer', code: 4002 } }, 'The server closed'],
  [{ state: 'closed', info: { ...ENDED, cause: 'peer', code: 1001 } }, 'was stopped'],
  [{ state: 'closed', info: { ...ENDED, cause: 'refused' } }, 'never opened'],
  [{ state: 'closed', info: { ...ENDED, cause: 'protocol' } }, 'the cause is protocol'],
])('explains the situation in a sentence: %o', (situation, expected) => {
  expect(story({ ...OPEN, ...situation })).toContain(expected)
})

it('says how a session goes on', () => {
  expect(opening_text({ recovered: true, in_doubt: 0 })).toBe('in the same session')
  expect(opening_text({ recovered: false, in_doubt: 0 })).toBe('in a new session')
  expect(opening_text({ recovered: false, in_doubt: 1 })).toBe('in a new session, 1 message in doubt')
})

it('announces all changes together, at a limited rate', () => {
  const announced: string[] = []
  const announcer = new Announcer(text => announced.push(text), 3_000)
  announcer.set_sentence('state', 'Open.')
  announcer.tick(0)
  for (let at_ms = 100; at_ms < 3_000; at_ms += 100) {
    announcer.set_sentence('state', 'Open.')
    announcer.set_sentence('queue', at_ms % 200 === 0 ? 'Full.' : '')
    announcer.tick(at_ms)
  }
  announcer.set_sentence('queue', 'Full.')
  announcer.set_sentence('state', 'Closed.')
  announcer.tick(3_000)
  announcer.tick(9_000)
  expect(announced).toEqual(['Open.', 'Full. Closed.'])
})

it('gives each person a unique name', () => {
  const taken = new Set<string>()
  for (let i = 0; i < 40; i += 1) taken.add(free_name(taken))
  expect(taken.size).toBe(40)
  expect(free_name(new Set(['Otter']))).toBe('Heron')
  expect([...taken]).toContain('Otter 2')
})
