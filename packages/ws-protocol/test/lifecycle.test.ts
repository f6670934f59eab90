import { describe, expect, it } from 'vitest'
import { type Closing, type Lifecycle, type LifecycleEvent, step } from '../src/lifecycle.js'

const local: Closing = { code: 1000, reason: 'bye', cause: 'local' }
const broken: Closing = { code: 1002, reason: '', cause: 'protocol' }
const silent: Closing = { code: 1006, reason: '', cause: 'refused' }

const connecting: Lifecycle = { name: 'connecting' }
const open: Lifecycle = { name: 'open' }
const closing = (phase: 'opening' | 'draining' | 'ending', by = local): Lifecycle => ({
  name: 'closing',
  phase,
  closing: by,
})
const closed: Lifecycle = { name: 'closed', ending: { ...local, clean: true } }

const opened: LifecycleEvent = { type: 'opened' }
const close = (has_unsent: boolean): LifecycleEvent => ({ type: 'close', closing: local, has_unsent })
const fail: LifecycleEvent = { type: 'fail', closing: broken }
const drained: LifecycleEvent = { type: 'drained' }
const timed_out: LifecycleEvent = { type: 'timed_out' }
const gone = (code: number, reason = ''): LifecycleEvent => ({ type: 'gone', code, reason })

describe('step', () => {
  it.each([
    ['connecting, opened: open', connecting, opened, open, ['tell_opened', 'announce_open', 'flush']],
    [
      'connecting, closed with nothing sent: given up',
      connecting,
      close(false),
      closing('ending'),
      ['terminate'],
    ],
    [
      'connecting, closed with messages waiting: opens first',
      connecting,
      close(true),
      closing('opening'),
      ['start_timer'],
    ],
    [
      'connecting, failed: given up',
      connecting,
      { type: 'fail', closing: silent },
      closing('ending', silent),
      ['terminate'],
    ],
    [
      'open, closed with nothing waiting: sends Close',
      open,
      close(false),
      closing('ending'),
      ['start_timer', 'send_close'],
    ],
    [
      'open, closed with messages waiting: drains',
      open,
      close(true),
      closing('draining'),
      ['start_timer', 'flush'],
    ],
    [
      'open, failed: sends Close at once',
      open,
      fail,
      closing('ending', broken),
      ['start_timer', 'send_close'],
    ],
    [
      'closed while opening, then opened: drains, unannounced',
      closing('opening'),
      opened,
      closing('draining'),
      ['tell_opened', 'start_timer', 'flush'],
    ],
    [
      'closed while opening, then failed: given up',
      closing('opening'),
      fail,
      closing('ending', broken),
      ['terminate'],
    ],
    [
      'draining, drained: sends Close',
      closing('draining'),
      drained,
      closing('ending'),
      ['start_timer', 'send_close'],
    ],
    [
      'draining, failed: sends that Close at once',
      closing('draining'),
      fail,
      closing('ending', broken),
      ['start_timer', 'send_close'],
    ],
    [
      'closed while opening, out of time: terminated',
      closing('opening'),
      timed_out,
      closing('ending'),
      ['terminate'],
    ],
    ['draining, out of time: terminated', closing('draining'), timed_out, closing('ending'), ['terminate']],
    [
      'open, out of time since the peer had ended its side: terminated',
      open,
      timed_out,
      closing('ending', { code: 1006, reason: '', cause: 'network' }),
      ['terminate'],
    ],
    ['ending, out of time: terminated', closing('ending'), timed_out, closing('ending'), ['terminate']],
  ] as const)('%s', (_name, state, event, next, effects) => {
    expect(step(state, event)).toEqual({ state: next, effects })
  })

  it.each([
    ['connecting', connecting, [drained, timed_out]],
    ['open', open, [opened, drained]],
    ['closing while opening', closing('opening'), [close(true), drained]],
    ['draining', closing('draining'), [opened, close(true)]],
    ['ending', closing('ending'), [opened, close(true), fail, drained]],
    ['closed', closed, [opened, close(true), fail, drained, timed_out, gone(1000)]],
  ] as const)('%s: what can change nothing does nothing', (_name, state, events) => {
    for (const event of events) expect(step(state, event)).toEqual({ state, effects: [] })
  })

  it.each([
    [
      'a Close out of the blue is the peer’s',
      open,
      gone(4001, 'enough'),
      { code: 4001, reason: 'enough', cause: 'peer', clean: true },
    ],
    [
      'a Close without a code is 1005 (RFC 6455 §7.1.5)',
      open,
      gone(1005),
      { code: 1005, reason: '', cause: 'peer', clean: true },
    ],
    [
      'the answer to this side’s Close is clean and local',
      closing('ending'),
      gone(1000, 'bye'),
      { ...local, clean: true },
    ],
    [
      'a Close that crosses this side’s keeps its own code',
      closing('draining'),
      gone(4002),
      { code: 4002, reason: '', cause: 'local', clean: true },
    ],
    [
      'an end without a Close is 1006 of the network',
      open,
      gone(1006),
      { code: 1006, reason: '', cause: 'network', clean: false },
    ],
    [
      'an end while connecting is a refusal',
      connecting,
      gone(1006),
      { code: 1006, reason: '', cause: 'refused', clean: false },
    ],
    [
      'an end while closing stays local, and is not clean',
      closing('ending'),
      gone(1006),
      { code: 1006, reason: '', cause: 'local', clean: false },
    ],
    [
      'an end after a broken rule has the code of that rule',
      closing('ending', broken),
      gone(1006),
      { ...broken, clean: false },
    ],
  ] as const)('%s', (_name, state, event, ending) => {
    expect(step(state, event)).toEqual({ state: { name: 'closed', ending }, effects: ['finish'] })
  })
})
