import { describe, expect, it } from 'vitest'
import type { CloseCause } from '../../src/connection/close_info.js'
import {
  type Closing,
  type Ending,
  ending_of,
  is_ending,
  is_unopened,
  type Lifecycle,
  type LifecycleEvent,
  may_reopen,
  server_step,
  step,
} from '../../src/connection/lifecycle.js'

const earlier: Closing = { code: 1000, reason: 'bye', cause: 'local' }
const later: Closing = { code: 4000, reason: 'later', cause: 'shutdown' }
const broken: Closing = { code: 1002, reason: '', cause: 'protocol' }
const network: Closing = { code: 1006, reason: '', cause: 'network' }
const heartbeat: Closing = { code: 1006, reason: '', cause: 'heartbeat' }
const gone: Ending = { code: 4001, reason: 'enough', cause: 'peer', clean: true }

const states = {
  connecting: { name: 'connecting' },
  connecting_again: { name: 'connecting_again' },
  open: { name: 'open' },
  waiting: { name: 'waiting', ending: { ...network, clean: false } },
  finishing: { name: 'finishing', closing: earlier },
  closing_unopened: { name: 'closing_unopened', closing: earlier },
  draining: { name: 'draining', closing: earlier },
  close_sent: { name: 'close_sent', closing: earlier },
  terminated: { name: 'terminated', closing: earlier },
  closed: { name: 'closed', ending: { ...earlier, clean: true } },
} as const satisfies Record<Lifecycle['name'], Lifecycle>

const events = {
  opened: { type: 'opened' },
  'closed with nothing to send': { type: 'close', closing: later, has_to_send: false },
  'closed with something to send': { type: 'close', closing: later, has_to_send: true },
  'to finish': { type: 'finish', closing: later },
  finished: { type: 'finished' },
  failed: { type: 'fail', closing: broken },
  terminated: { type: 'terminate', closing: heartbeat },
  drained: { type: 'drained' },
  'timed out': { type: 'timed_out' },
  'gone for good': { type: 'gone', ending: gone, will_retry: false },
  'gone for a while': { type: 'gone', ending: gone, will_retry: true },
  reopening: { type: 'reopen' },
} as const satisfies Record<string, LifecycleEvent>

const is_gone = {
  'gone for good': { name: 'closed', ending: gone },
  'gone for a while': { name: 'waiting', ending: gone },
} as const

const killed = { terminated: { name: 'terminated', closing: heartbeat } } as const

/** A connection that this side was closing keeps that reason. */
const killed_while_closing = { terminated: { name: 'terminated', closing: earlier } } as const

const while_opening = {
  ...killed,
  opened: states.open,
  'closed with nothing to send': { name: 'terminated', closing: later },
  'closed with something to send': { name: 'closing_unopened', closing: later },
  failed: { name: 'terminated', closing: broken },
  ...is_gone,
} as const

const closed_in_order = {
  'closed with nothing to send': { name: 'draining', closing: later },
  'closed with something to send': { name: 'draining', closing: later },
} as const

const given_up = {
  'closed with nothing to send': { name: 'terminated', closing: later },
  'closed with something to send': { name: 'terminated', closing: later },
} as const

/** The next state for each state and event; pairs that are left out change nothing. */
const table: Record<Lifecycle['name'], Partial<Record<keyof typeof events, Lifecycle>>> = {
  connecting: while_opening,
  connecting_again: while_opening,
  open: {
    ...killed,
    ...closed_in_order,
    'to finish': { name: 'finishing', closing: later },
    failed: { name: 'close_sent', closing: broken },
    // The timer of an open connection was started when the peer ended its side.
    'timed out': { name: 'terminated', closing: network },
    ...is_gone,
  },
  waiting: {
    ...killed,
    ...given_up,
    failed: { name: 'terminated', closing: broken },
    ...is_gone,
    reopening: states.connecting_again,
  },
  finishing: {
    ...killed_while_closing,
    ...closed_in_order,
    finished: states.draining,
    failed: { name: 'close_sent', closing: broken },
    'timed out': states.draining,
    ...is_gone,
  },
  closing_unopened: {
    ...killed_while_closing,
    opened: states.draining,
    failed: { name: 'terminated', closing: earlier },
    'timed out': states.terminated,
    ...is_gone,
  },
  draining: {
    ...killed_while_closing,
    failed: { name: 'close_sent', closing: broken },
    drained: states.close_sent,
    'timed out': states.terminated,
    ...is_gone,
  },
  close_sent: { ...killed_while_closing, 'timed out': states.terminated, ...is_gone },
  terminated: is_gone,
  closed: {},
}

const cells = Object.entries(states).flatMap(([name, state]) =>
  Object.entries(events).map(([happening, event]) => {
    const next = table[name as Lifecycle['name']][happening as keyof typeof events]
    return { name, happening, state, event, next, becomes: next?.name ?? 'the same' }
  }),
)

describe('a state', () => {
  it.each(cells)('$name, $happening: $becomes', ({ state, event, next }) => {
    const before = structuredClone(state)
    const after = server_step(state, event)
    if (next === undefined) expect(after).toBe(state)
    else expect(after).toEqual(next)
    expect(state).toEqual(before)
  })

  it.each(cells.filter(({ name }) => name !== 'finishing'))(
    '$name of a client, $happening: the same as on a server, but never finishes',
    ({ state, event, next = state }) => {
      expect(step(state, event)).toEqual(next.name === 'finishing' ? state : next)
    },
  )

  it('has a table of every state and every event', () => {
    expect(cells).toHaveLength(10 * 12)
  })

  it.each(['network', 'heartbeat', 'refused'] as const)(
    'terminated for %s, then closed: ends with the cause of the close, so that it does not reconnect',
    cause => {
      const lost: Lifecycle = { name: 'terminated', closing: { code: 1006, reason: '', cause } }
      expect(step(lost, events['closed with something to send'])).toEqual({
        name: 'terminated',
        closing: later,
      })
    },
  )

  it.each(['local', 'protocol', 'overflow', 'shutdown'] as const)(
    'terminated for %s, then closed: does not change',
    cause => {
      const ended: Lifecycle = { name: 'terminated', closing: { code: 1008, reason: '', cause } }
      expect(step(ended, events['closed with nothing to send'])).toBe(ended)
    },
  )
})

describe('may_reopen', () => {
  it('holds for every state that this side has not brought about', () => {
    const names = Object.values<Lifecycle>(states)
      .filter(may_reopen)
      .map(({ name }) => name)
    expect(names).toEqual(['connecting', 'connecting_again', 'open', 'waiting', 'closed'])
  })

  const with_cause = (cause: CloseCause): Lifecycle => ({
    name: 'terminated',
    closing: { code: 1006, reason: '', cause },
  })

  it.each(['network', 'heartbeat', 'refused'] as const)('holds after termination for %s', cause => {
    expect(may_reopen(with_cause(cause))).toBe(true)
  })

  it.each(['local', 'protocol', 'overflow', 'shutdown'] as const)(
    'does not hold after termination for %s',
    cause => {
      expect(may_reopen(with_cause(cause))).toBe(false)
    },
  )
})

describe('ending_of', () => {
  const peers_word = { code: 4001, reason: 'enough', clean: true }
  const no_word = { code: 1006, reason: '', clean: false }
  const closing_names = ['finishing', 'closing_unopened', 'draining', 'close_sent', 'terminated'] as const
  const closing_states = closing_names.map(name => [name, states[name]] as const)

  it.each([
    ['connecting', 'refused'],
    ['connecting_again', 'refused'],
    ['open', 'network'],
  ] as const)('%s, without a Close: is 1006, for %s', (name, cause) => {
    expect(ending_of(states[name], 1006, '', true)).toEqual({ ...no_word, cause })
  })

  it.each(['connecting', 'connecting_again', 'open'] as const)(
    '%s, with a Close: has the peer’s code and cause',
    name => {
      expect(ending_of(states[name], 4001, 'enough', true)).toEqual({ ...peers_word, cause: 'peer' })
    },
  )

  it.each(closing_states)(
    '%s by this side, with a Close: has the peer’s code and this side’s cause',
    (_, state) => {
      expect(ending_of(state, 4001, 'enough', true)).toEqual({ ...peers_word, cause: 'local' })
    },
  )

  it.each(closing_states)(
    '%s by this side, without a Close: has the code 1006 and this side’s cause',
    (_, state) => {
      expect(ending_of(state, 1006, '', true)).toEqual({ ...no_word, cause: 'local' })
    },
  )

  it.each(Object.entries(states))(
    '%s, with the peer’s Close but without this side’s: is not clean',
    (_, state) => {
      expect(ending_of(state, 4001, 'enough', false)).toMatchObject({ code: 4001, clean: false })
    },
  )

  it('terminated because the peer did not end the socket after its Close: has the peer’s code and cause', () => {
    const state = { name: 'terminated', closing: { code: 1006, reason: '', cause: 'network' } } as const
    expect(ending_of(state, 4001, 'enough', true)).toEqual({ ...peers_word, cause: 'peer' })
  })

  it('counts a Close without a code, 1005, as a Close of the peer (RFC 6455 §7.1.5)', () => {
    expect(ending_of(states.open, 1005, '', true)).toEqual({
      code: 1005,
      reason: '',
      cause: 'peer',
      clean: true,
    })
  })

  const failures = (['protocol', 'overflow'] as const).flatMap(cause =>
    (['close_sent', 'terminated'] as const).map(name => ({ name, cause })),
  )
  it.each(failures)(
    '$name for $cause, without a Close: has the code of the failure, and is not clean',
    ({ name, cause }) => {
      const closing: Closing = { code: 1008, reason: 'no', cause }
      expect(ending_of({ name, closing }, 1006, '', true)).toEqual({ ...closing, clean: false })
    },
  )
  it.each(failures)(
    '$name for $cause, with a Close: has the code of that Close, and is clean',
    ({ name, cause }) => {
      const closing: Closing = { code: 1008, reason: 'no', cause }
      expect(ending_of({ name, closing }, 4001, 'enough', true)).toEqual({ ...peers_word, cause })
    },
  )

  it.each(['local', 'shutdown', 'heartbeat', 'refused', 'network'] as const)(
    'terminated for %s, without a Close: has the code 1006, not the code of the close',
    cause => {
      const closing: Closing = { code: 4000, reason: 'mine', cause }
      expect(ending_of({ name: 'terminated', closing }, 1006, '', true)).toEqual({ ...no_word, cause })
    },
  )
})

describe('the kinds of states', () => {
  it.each([
    ['is unopened', is_unopened, ['connecting', 'connecting_again', 'closing_unopened']],
    ['is ending', is_ending, ['close_sent', 'terminated', 'closed']],
  ] as const)('%s: only the named ones', (_, holds, names) => {
    const all = Object.values<Lifecycle>(states)
    expect(all.filter(holds).map(({ name }) => name)).toEqual(names)
  })
})
