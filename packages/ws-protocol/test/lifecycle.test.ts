import { describe, expect, it } from 'vitest'
import {
  type Closing,
  type Ending,
  is_ending,
  is_unopened,
  type Lifecycle,
  type LifecycleEvent,
  step,
} from '../src/lifecycle.js'

const earlier: Closing = { code: 1000, reason: 'bye', cause: 'local' }
const later: Closing = { code: 4000, reason: 'later', cause: 'shutdown' }
const broken: Closing = { code: 1002, reason: '', cause: 'protocol' }
const network: Closing = { code: 1006, reason: '', cause: 'network' }

const states = {
  connecting: { name: 'connecting' },
  open: { name: 'open' },
  closing_unopened: { name: 'closing_unopened', closing: earlier },
  draining: { name: 'draining', closing: earlier },
  close_sent: { name: 'close_sent', closing: earlier },
  terminated: { name: 'terminated', closing: earlier },
  closed: { name: 'closed', ending: { ...earlier, clean: true } },
} as const satisfies Record<Lifecycle['name'], Lifecycle>

const events = {
  opened: { type: 'opened' },
  'closed with nothing unsent': { type: 'close', closing: later, has_unsent: false },
  'closed with messages unsent': { type: 'close', closing: later, has_unsent: true },
  failed: { type: 'fail', closing: broken },
  drained: { type: 'drained' },
  'timed out': { type: 'timed_out' },
  'gone with a Close': { type: 'gone', code: 4001, reason: 'enough' },
  'gone without a Close': { type: 'gone', code: 1006, reason: '' },
} as const satisfies Record<string, LifecycleEvent>

const ended = (ending: Ending): Lifecycle => ({ name: 'closed', ending })
const peers_word = { code: 4001, reason: 'enough', clean: true }
const no_word = { code: 1006, reason: '', clean: false }

const after_own_close = {
  'gone with a Close': ended({ ...peers_word, cause: 'local' }),
  'gone without a Close': ended({ ...no_word, cause: 'local' }),
} as const

/** What every event makes of every state; what is not named changes nothing. */
const table: Record<Lifecycle['name'], Partial<Record<keyof typeof events, Lifecycle>>> = {
  connecting: {
    opened: states.open,
    'closed with nothing unsent': { name: 'terminated', closing: later },
    'closed with messages unsent': { name: 'closing_unopened', closing: later },
    failed: { name: 'terminated', closing: broken },
    'gone with a Close': ended({ ...peers_word, cause: 'peer' }),
    'gone without a Close': ended({ ...no_word, cause: 'refused' }),
  },
  open: {
    'closed with nothing unsent': { name: 'draining', closing: later },
    'closed with messages unsent': { name: 'draining', closing: later },
    failed: { name: 'close_sent', closing: broken },
    // The timer of an open connection runs since the peer has ended its side.
    'timed out': { name: 'terminated', closing: network },
    'gone with a Close': ended({ ...peers_word, cause: 'peer' }),
    'gone without a Close': ended({ ...no_word, cause: 'network' }),
  },
  closing_unopened: {
    opened: states.draining,
    failed: { name: 'terminated', closing: broken },
    'timed out': states.terminated,
    ...after_own_close,
  },
  draining: {
    failed: { name: 'close_sent', closing: broken },
    drained: states.close_sent,
    'timed out': states.terminated,
    ...after_own_close,
  },
  close_sent: { 'timed out': states.terminated, ...after_own_close },
  terminated: after_own_close,
  closed: {},
}

const cells = Object.entries(states).flatMap(([name, state]) =>
  Object.entries(events).map(([happening, event]) => {
    const next = table[name as Lifecycle['name']][happening as keyof typeof events]
    return { name, happening, state, event, next, becomes: next?.name ?? 'the same' }
  }),
)

describe('step', () => {
  it.each(cells)('$name, $happening: $becomes', ({ state, event, next }) => {
    const before = structuredClone(state)
    const after = step(state, event)
    if (next === undefined) expect(after).toBe(state)
    else expect(after).toEqual(next)
    expect(state).toEqual(before)
  })

  it('has a table of every state and every event', () => {
    expect(cells).toHaveLength(7 * 8)
  })

  it('counts a Close without a code, 1005, as a Close of the peer (RFC 6455 §7.1.5)', () => {
    expect(step(states.open, { type: 'gone', code: 1005, reason: '' })).toEqual(
      ended({ code: 1005, reason: '', cause: 'peer', clean: true }),
    )
  })

  const failures = (['protocol', 'overflow'] as const).flatMap(cause =>
    (['close_sent', 'terminated'] as const).map(name => ({ name, cause })),
  )
  it.each(failures)(
    '$name for $cause, gone without a Close: has the code of the failure, and is not clean',
    ({ name, cause }) => {
      const closing: Closing = { code: 1008, reason: 'no', cause }
      expect(step({ name, closing }, events['gone without a Close'])).toEqual(
        ended({ ...closing, clean: false }),
      )
    },
  )
  it.each(failures)(
    '$name for $cause, gone with a Close: has the code of that Close, and is clean',
    ({ name, cause }) => {
      const closing: Closing = { code: 1008, reason: 'no', cause }
      expect(step({ name, closing }, events['gone with a Close'])).toEqual(ended({ ...peers_word, cause }))
    },
  )

  it.each(['local', 'shutdown', 'heartbeat', 'refused', 'network'] as const)(
    'terminated for %s, gone without a Close: is 1006, whatever code was meant for it',
    cause => {
      const closing: Closing = { code: 4000, reason: 'mine', cause }
      expect(step({ name: 'terminated', closing }, events['gone without a Close'])).toEqual(
        ended({ ...no_word, cause }),
      )
    },
  )
})

describe('a state', () => {
  it.each([
    ['is unopened', is_unopened, ['connecting', 'closing_unopened']],
    ['is ending', is_ending, ['close_sent', 'terminated', 'closed']],
  ] as const)('%s', (_, holds, names) => {
    const all = Object.values<Lifecycle>(states)
    expect(all.filter(holds).map(({ name }) => name)).toEqual(names)
  })
})
