import type { CloseInfo } from '@bt/net'
import { describe, expect, it } from 'vitest'
import { audit } from '../src/sessions/audit.ts'
import { type ClientRecord, Counter, type Run, type SessionRecord } from '../src/sessions/ledger.ts'
import { is_empty_number, read_message, write_message } from '../src/sessions/numbered_message.ts'

const CLOSED: CloseInfo = { code: 1000, reason: '', cause: 'local', clean: true, unsent: 0 }

/** A client that has sent the messages 0 to 9, and got 5 messages and 2 broadcasts of its only session. */
const client = (changes: Partial<ClientRecord> = {}): ClientRecord => ({
  id: '1',
  unacknowledged: 'report',
  sent: 10,
  greetings: 1,
  in_doubt: [],
  greetings_in_doubt: [],
  unnumbered_in_doubt: 0,
  acknowledged_below: 10,
  opens: [{ at_ms: 0, recovered: false, in_doubt: 0 }],
  sessions: [{ id: 'a1.0', direct: 5, first_broadcast: 3, broadcasts: 2 }],
  info: CLOSED,
  flaws: [],
  ...changes,
})

/** The session of that client. */
const session = (changes: Partial<SessionRecord> = {}): SessionRecord => ({
  id: 'a1.0',
  client: '1',
  handled: [[0, 9]],
  greetings: [[0, 0]],
  has_unnumbered: false,
  direct: 5,
  first_broadcast: 3,
  broadcasts: 2,
  times_away: 0,
  info: { ...CLOSED, cause: 'peer' },
  flaws: [],
  ...changes,
})

const later = (handled: Run[]): SessionRecord =>
  session({
    id: 'a1.1',
    handled,
    greetings: [],
    has_unnumbered: false,
    direct: 0,
    broadcasts: 0,
    first_broadcast: 9,
  })

const unexplained = (record: ClientRecord, ...sessions: SessionRecord[]): readonly string[] =>
  audit([{ record, cuts_ms: [] }], [{ sessions, flaws: [] }]).unexplained

/** A client that had to begin a second session, with these numbers in doubt. */
const doubtful = (in_doubt: Run[], changes: Partial<ClientRecord> = {}): ClientRecord => {
  const count = in_doubt.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  const opens = [
    { at_ms: 0, recovered: false, in_doubt: 0 },
    { at_ms: 1, recovered: false, in_doubt: count },
  ]
  return client({ in_doubt, opens, info: { ...CLOSED, unsent: count }, ...changes })
}

describe('the audit of sessions', () => {
  it('finds nothing if each message was handled once, or was in doubt', () => {
    expect(unexplained(client(), session())).toEqual([])
    const parts = [session({ handled: [[0, 4]] }), later([[7, 9]])]
    expect(unexplained(doubtful([[4, 6]]), ...parts)).toEqual([])
    expect(
      unexplained(client({ sessions: [] }), session({ info: { ...CLOSED, clean: false, unsent: 7 } })),
    ).toEqual([])
  })

  it('finds the empty message that a session has handled alone, but not another one', () => {
    const record = client({ sent: 62, acknowledged_below: 62 })
    const parts = [session({ handled: [[0, 29]] }), later([[31, 61]])]
    expect(unexplained(record, ...parts).join()).toContain('1 empty messages are lost')
    const alone = { ...later([]), id: 'a1.2', has_unnumbered: true }
    expect(unexplained(record, ...parts, alone)).toEqual([])
    expect(unexplained(record, session({ handled: [[0, 29]] }), later([[31, 60]]), alone).join()).toContain(
      '2 empty messages are lost',
    )
  })

  it.each<[string, ClientRecord, SessionRecord[]]>([
    ['is lost', client(), [session({ handled: [[0, 8]] })]],
    ['is lost', doubtful([[5, 6]]), [session({ handled: [[0, 3]] }), later([[7, 9]])]],
    ['was handled 2 times', doubtful([[4, 4]]), [session(), later([[4, 4]])]],
    ['greeting 0 is lost', client(), [session({ greetings: [] })]],
    ['greeting 0 was handled 2 times', doubtful([]), [session(), { ...later([]), greetings: [[0, 0]] }]],
    [
      'have gaps',
      doubtful([[4, 4]]),
      [
        session({
          handled: [
            [0, 3],
            [5, 9],
          ],
        }),
      ],
    ],
    [
      '6 messages were handled again, though only 5',
      doubtful([[5, 9]], { unacknowledged: 'resend', in_doubt: [] }),
      [session(), later([[4, 9]])],
    ],
    ['5 in doubt, but on_unacknowledged got 0', doubtful([[5, 9]], { in_doubt: [] }), [session()]],
    ['only 6 count as unsent', client({ sessions: [] }), [session({ info: { ...CLOSED, unsent: 6 } })]],
    ['has more messages than were sent', client(), [session({ direct: 4 })]],
    ['the first broadcast', client(), [session({ first_broadcast: 2, broadcasts: 2 })]],
    [
      'no server knows',
      client({ sessions: [...client().sessions, { id: 'b', direct: 0, first_broadcast: 0, broadcasts: 0 }] }),
      [session()],
    ],
    ['has not ended', client(), [session({ info: undefined })]],
    ['not closed in order', client({ info: { ...CLOSED, clean: false } }), [session()]],
    ['a flaw', client({ flaws: ['a flaw'] }), [session()]],
    ['a flaw', client(), [session({ flaws: ['a flaw'] })]],
  ])('finds what %s', (problem, record, sessions) => {
    expect(unexplained(record, ...sessions).join()).toContain(problem)
  })
})

describe('a numbered message', () => {
  const messages = Array.from({ length: 500 }, (_, number) => {
    const message = { stream: 'c1', number, broadcasts: 0, request: '' } as const
    return { message, data: write_message(message) }
  })

  it('is read as it was written, and is of any kind and size', () => {
    for (const { message, data } of messages)
      expect(read_message(data)).toEqual(is_empty_number(message.number) ? 'empty' : message)
    expect(messages.some(({ data }) => typeof data === 'string' && data.length > 20_000)).toBe(true)
    expect(messages.some(({ data }) => typeof data !== 'string' && data.length > 20_000)).toBe(true)
  })

  it('is not read if anything in it has changed', () => {
    for (const { data } of messages.filter(({ data }) => data.length > 20)) {
      const changed = typeof data === 'string' ? `${data}x` : data.slice()
      if (typeof changed !== 'string') changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
      expect(() => read_message(changed)).toThrow('has changed on its way')
    }
    expect(() => read_message('hello')).toThrow('unknown message')
  })

  it('is counted with the empty ones around it', () => {
    for (const first of [0, 29, 30, 31]) {
      const handled: Run[] = []
      const counter = new Counter(handled)
      const problems = messages.slice(first, 100).map(({ data }) => counter.count(read_message(data)))
      expect([handled, problems.filter(problem => problem !== undefined)]).toEqual([[[first, 99]], []])
    }
  })

  it('is not counted in silence if one before it is missing, or comes again', () => {
    const numbered = (number: number) => read_message(messages[number]?.data ?? '')
    const handled: Run[] = []
    const counter = new Counter(handled)
    const problems = [28, 29, 30, 30, 31, 31, 33].map(number => counter.count(numbered(number)))
    expect(problems).toEqual([
      ...[undefined, undefined, undefined],
      'an empty message has arrived after 30',
      undefined,
      '31 has arrived after 31',
      undefined,
    ])
    expect(handled).toEqual([
      [28, 31],
      [31, 31],
      [33, 33],
    ])
  })
})
