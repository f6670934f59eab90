import { beforeEach, describe, expect, it } from 'vitest'
import type { CloseInfo } from '../../src/connection/close_info.js'
import {
  INBOX_LIMIT_BYTES,
  INBOX_MAX_BYTES,
  Inbox,
  type InboxCallbacks,
  type InboxEvents,
  type ListenerState,
} from '../../src/connection/inbox.js'

const BYE: CloseInfo = { code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 0 }

/** Records the calls of an inbox. Callbacks that `hold` selects return a promise. */
class RecordedCallbacks implements InboxCallbacks<undefined> {
  readonly handle = undefined
  readonly calls: string[] = []
  readonly held = new Map<string, { release(): void; reject(cause: unknown): void }>()
  hold: (name: string) => boolean = () => false
  on_call: (name: string) => void = () => {}
  may_run: () => boolean = () => true
  on_open: () => unknown = () => this.record('open')
  on_message: (handle: undefined, data: string | Uint8Array) => unknown = (_, data) =>
    this.record(String(data))
  on_close: (handle: undefined, info: CloseInfo) => unknown = (_, info) => this.record(`close ${info.reason}`)

  readonly openings: number[] = []
  handled = 0

  async release(name: string): Promise<void> {
    this.held.get(name)?.release()
    await settled()
  }

  record(name: string): unknown {
    this.calls.push(name)
    this.on_call(name)
    if (!this.hold(name)) return undefined
    return new Promise<void>((release, reject) => this.held.set(name, { release, reject }))
  }
}

const EVENTS: InboxEvents<RecordedCallbacks> = {
  may_run: recorder => recorder.may_run(),
  report: (recorder, name, cause) => void recorder.calls.push(`${name} failed: ${(cause as Error).message}`),
  pause: recorder => void recorder.calls.push('pause'),
  resume: recorder => void recorder.calls.push('resume'),
  handled: recorder => {
    recorder.handled += 1
  },
  opened: recorder => void recorder.openings.push(recorder.calls.length),
  settled: (recorder, { reason }) => void recorder.calls.push(`done ${reason}`),
}

/** Runs the pending promise jobs. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve()
}

const large = 'x'.repeat(65_536)

describe('Inbox', () => {
  let recorder: RecordedCallbacks
  let inbox: Inbox<undefined, RecordedCallbacks>

  const set_listener = (listener: ListenerState): void => {
    inbox.listener = listener
    inbox.run()
  }

  const finish = (): void => inbox.after_messages(() => void recorder.record('finished'))

  beforeEach(() => {
    recorder = new RecordedCallbacks()
    inbox = new Inbox(recorder, recorder, EVENTS)
  })

  it('calls a synchronous callback directly', () => {
    inbox.open()
    inbox.message('a', 1)
    expect(recorder.calls).toEqual(['open', 'a'])
    expect(inbox.bytes).toBe(0)
  })

  it('calls callbacks in order, one at a time, however long each takes', async () => {
    recorder.hold = name => name === 'open' || name === 'a'
    inbox.open()
    inbox.message('a', 1)
    inbox.message('b', 1)
    inbox.close(BYE)
    expect(recorder.calls).toEqual(['open'])
    await recorder.release('open')
    expect(recorder.calls).toEqual(['open', 'a'])
    await recorder.release('a')
    expect(recorder.calls).toEqual(['open', 'a', 'b', 'close bye', 'done bye'])
  })

  it('reports each message as handled once its callback is done, and nothing else', async () => {
    recorder.hold = name => name === 'a'
    inbox.open()
    inbox.message('a', 1)
    inbox.message('b', 1)
    expect(recorder.handled).toBe(0)
    await recorder.release('a')
    expect(recorder.handled).toBe(2)
    inbox.close(BYE)
    expect(recorder.handled).toBe(2)
  })

  it('keeps the order if a callback causes further events while it runs', () => {
    recorder.on_call = name => {
      if (name === 'a') {
        inbox.message('b', 1)
        inbox.close(BYE)
      }
    }
    inbox.message('a', 1)
    expect(recorder.calls).toEqual(['a', 'b', 'close bye', 'done bye'])
  })

  it('runs nothing while may_run returns false, and then everything in order', () => {
    recorder.may_run = () => false
    inbox.open()
    inbox.message('a', 1)
    finish()
    inbox.close(BYE)
    expect(recorder.calls).toEqual([])
    recorder.may_run = () => true
    inbox.run()
    expect(recorder.calls).toEqual(['open', 'a', 'finished', 'close bye', 'done bye'])
  })

  it.each([
    ['throws', true],
    ['returns', false],
  ])('calls may_run before each callback, even if a waiting one %s', async (_, has_failed) => {
    let left = 3
    recorder.may_run = () => {
      left -= 1
      return left >= 0
    }
    recorder.hold = name => name === 'a'
    recorder.on_call = name => {
      if (has_failed && name !== 'a') throw new Error('no')
    }
    for (const name of ['a', 'b', 'c', 'd']) inbox.message(name, 1)
    await recorder.release('a')
    expect(recorder.calls.filter(name => name.length === 1)).toEqual(['a', 'b', 'c'])
    left = 1
    inbox.run()
    expect(recorder.calls.filter(name => name.length === 1)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is settled only when an async on_close is done', async () => {
    recorder.hold = name => name === 'close bye'
    inbox.close(BYE)
    expect(recorder.calls).toEqual(['close bye'])
    await recorder.release('close bye')
    expect(recorder.calls).toEqual(['close bye', 'done bye'])
  })

  it.each(['open', 'a', 'close bye'])('continues if %s throws', thrower => {
    recorder.on_call = name => {
      if (name === thrower) throw new Error('no')
    }
    inbox.open()
    inbox.message('a', 1)
    inbox.close(BYE)
    expect(recorder.calls.filter(entry => entry.endsWith('failed: no'))).toHaveLength(1)
    expect(recorder.calls.filter(entry => !entry.endsWith('failed: no'))).toEqual([
      'open',
      'a',
      'close bye',
      'done bye',
    ])
  })

  it('continues if a callback’s promise is rejected', async () => {
    recorder.hold = name => name === 'a'
    inbox.message('a', 1)
    inbox.message('b', 1)
    recorder.held.get('a')?.reject(new Error('late'))
    await settled()
    expect(recorder.calls).toEqual(['a', 'on_message failed: late', 'b'])
  })

  it('names the callback whose promise was rejected', async () => {
    recorder.hold = name => name === 'open'
    inbox.open()
    recorder.held.get('open')?.reject(new Error('late'))
    await settled()
    expect(recorder.calls).toEqual(['open', 'on_open failed: late'])
  })

  it('awaits a thenable that is no Promise', async () => {
    let go_on: (() => void) | undefined
    const then = (resolve: () => void): void => {
      go_on = resolve
    }
    recorder.on_open = () => Object.defineProperty({}, 'then', { value: then })
    inbox.open()
    inbox.message('a', 1)
    await settled()
    expect(recorder.calls).toEqual([])
    go_on?.()
    await settled()
    expect(recorder.calls).toEqual(['a'])
  })

  it('pauses the socket at 256 KiB, and resumes it when half of that is left, for a slow callback', async () => {
    recorder.hold = () => true
    inbox.message('first', 5)
    for (let i = 0; i < 3; i += 1) inbox.message(large, 65_536)
    expect(recorder.calls).toEqual(['first'])
    inbox.message(large, 65_536)
    expect(recorder.calls).toEqual(['first', 'pause'])
    expect(inbox.bytes).toBeGreaterThanOrEqual(INBOX_LIMIT_BYTES)
    inbox.message(large, 65_536)
    expect(recorder.calls).toEqual(['first', 'pause'])

    recorder.hold = name => name === large
    await recorder.release('first')
    await recorder.release(large)
    await recorder.release(large)
    expect(recorder.calls.filter(entry => entry === 'resume')).toEqual([])
    await recorder.release(large)
    expect(recorder.calls.filter(entry => entry === 'resume')).toEqual(['resume'])
  })

  it('counts empty messages as well, so that a flood of them pauses the socket', () => {
    recorder.hold = () => true
    for (let i = 0; i <= INBOX_LIMIT_BYTES / 64; i += 1) inbox.message('', 0)
    expect(recorder.calls).toEqual(['', 'pause'])
  })

  it('keeps messages for a listener that registers later', () => {
    set_listener('none')
    inbox.open()
    inbox.message('a', 1)
    inbox.message('b', 1)
    expect(recorder.calls).toEqual(['open'])
    expect(inbox.bytes).toBe(2 + 2 * 64)
    set_listener('ready')
    expect(recorder.calls).toEqual(['open', 'a', 'b'])
  })

  it.each(['none', 'busy'] as const)(
    'calls on_close even if the listener is %s, and keeps the messages before it',
    listener => {
      set_listener(listener)
      inbox.message('a', 1)
      inbox.close(BYE)
      expect(recorder.calls).toEqual(['close bye', 'done bye'])
      set_listener('ready')
      expect(recorder.calls).toEqual(['close bye', 'done bye', 'a'])
    },
  )

  it('calls on_close that waited behind discarded messages', () => {
    recorder.hold = name => name === 'first'
    inbox.message('first', 5)
    inbox.message('waits', 5)
    inbox.close(BYE)
    recorder.hold = () => false
    inbox.drop()
    return recorder
      .release('first')
      .then(() => expect(recorder.calls).toEqual(['first', 'close bye', 'done bye']))
  })

  it('continues if a callback returns an object whose then throws', async () => {
    const returned = Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('no then')
      },
    })
    recorder.on_open = () => returned
    inbox.open()
    inbox.message('a', 1)
    await settled()
    expect(recorder.calls).toEqual(['on_open failed: no then', 'a'])
  })

  it('discards waiting messages on request, and resumes the socket', async () => {
    recorder.hold = name => name === 'first'
    inbox.message('first', 5)
    for (let i = 0; i < 4; i += 1) inbox.message(large, 65_536)
    inbox.drop()
    expect(inbox.bytes).toBe(0)
    inbox.close(BYE)
    expect(recorder.calls).toEqual(['first', 'pause', 'resume'])
    await recorder.release('first')
    expect(recorder.calls).toEqual(['first', 'pause', 'resume', 'close bye', 'done bye'])
  })

  it('passes each callback its value, and not a copy', () => {
    const calls: unknown[] = []
    recorder.on_open = () => void calls.push('open')
    recorder.on_message = (_, data) => void calls.push(data)
    recorder.on_close = (_, info) => void calls.push(info)
    const bytes = Uint8Array.of(1, 2)
    inbox.open()
    inbox.message('a', 1)
    inbox.message(bytes, 2)
    inbox.close(BYE)
    expect(calls).toEqual(['open', 'a', bytes, BYE])
    expect(calls[2]).toBe(bytes)
  })

  it('names the callback of messages and that of the end when their promises are rejected', async () => {
    recorder.hold = () => true
    inbox.message('a', 1)
    inbox.close(BYE)
    recorder.held.get('a')?.reject(new Error('first'))
    await settled()
    recorder.held.get('close bye')?.reject(new Error('last'))
    await settled()
    expect(recorder.calls).toEqual([
      'a',
      'on_message failed: first',
      'close bye',
      'on_close failed: last',
      'done bye',
    ])
  })

  it('keeps the remaining messages if the listener stops in between', () => {
    set_listener('none')
    for (const name of ['a', 'b', 'c']) inbox.message(name, 1)
    recorder.on_call = name => {
      if (name === 'a') set_listener('busy')
    }
    set_listener('ready')
    expect(recorder.calls).toEqual(['a'])
    expect(inbox.bytes).toBe(2 * 65)
    set_listener('ready')
    expect(recorder.calls).toEqual(['a', 'b', 'c'])
  })

  it('delivers waiting messages before an arriving one once the listener is ready', () => {
    set_listener('none')
    inbox.message('a', 1)
    set_listener('ready')
    inbox.message('b', 1)
    expect(recorder.calls).toEqual(['a', 'b'])
  })

  it('starts no callback while another one runs', async () => {
    recorder.hold = name => name === 'a'
    inbox.message('a', 1)
    inbox.message('b', 1)
    inbox.run()
    expect(recorder.calls).toEqual(['a'])
    await recorder.release('a')
    expect(recorder.calls).toEqual(['a', 'b'])
  })

  it('keeps arriving messages even if the socket can’t be paused, and requests the pause once', () => {
    recorder.hold = () => true
    inbox.message('first', 5)
    for (let i = 0; i < 3; i += 1) inbox.message('x', INBOX_MAX_BYTES)
    expect(inbox.bytes).toBe(3 * (INBOX_MAX_BYTES + 64))
    expect(recorder.calls).toEqual(['first', 'pause'])
  })

  it('is paused from 256 KiB on until half of that is left', async () => {
    recorder.hold = () => true
    inbox.message('first', 5)
    inbox.message('waits', INBOX_LIMIT_BYTES - 64 - 1)
    expect(inbox.is_paused).toBe(false)
    inbox.message('more', 0)
    expect(inbox.is_paused).toBe(true)
    await recorder.release('first')
    expect([inbox.is_paused, inbox.bytes]).toEqual([false, 64])
  })

  it('resumes the socket with exactly half of it left, and not with a byte more', async () => {
    recorder.hold = () => true
    for (const [left_bytes, is_paused] of [
      [INBOX_LIMIT_BYTES / 2, false],
      [INBOX_LIMIT_BYTES / 2 + 1, true],
    ] as const) {
      inbox = new Inbox(recorder, recorder, EVENTS)
      inbox.message('first', 5)
      inbox.message('waits', INBOX_LIMIT_BYTES)
      inbox.message('left', left_bytes - 64)
      await recorder.release('first')
      expect([inbox.bytes, inbox.is_paused]).toEqual([left_bytes, is_paused])
    }
  })

  it('keeps order over thousands of messages that wait', async () => {
    recorder.hold = name => name === '0'
    const names = Array.from({ length: 2_000 }, (_, index) => String(index))
    for (const name of names) inbox.message(name, name.length)
    await recorder.release('0')
    expect(recorder.calls).toEqual(names)
  })

  it('tells that on_open is done only after the latest one', async () => {
    recorder.hold = name => name === 'open'
    inbox.open()
    inbox.open()
    await recorder.release('open')
    expect([recorder.calls, recorder.openings]).toEqual([['open', 'open'], []])
    await recorder.release('open')
    expect(recorder.openings).toEqual([2])
  })

  describe('open and after_messages', () => {
    it('wait behind earlier messages, in order, and not for later ones', async () => {
      recorder.hold = name => name === 'a'
      inbox.message('a', 1)
      inbox.message('b', 1)
      inbox.open()
      inbox.message('c', 1)
      finish()
      inbox.message('d', 1)
      expect(recorder.calls).toEqual(['a'])
      await recorder.release('a')
      expect(recorder.calls).toEqual(['a', 'b', 'open', 'c', 'finished', 'd'])
    })

    it('run at once if nothing waits', () => {
      inbox.open()
      finish()
      inbox.open()
      expect(recorder.calls).toEqual(['open', 'finished', 'open'])
    })

    it('count as no bytes', () => {
      recorder.hold = () => true
      inbox.open()
      finish()
      inbox.open()
      expect(inbox.bytes).toBe(0)
    })

    it('a task waits for a running callback, even with no waiting messages', async () => {
      recorder.hold = name => name === 'a'
      inbox.message('a', 1)
      finish()
      expect(recorder.calls).toEqual(['a'])
      await recorder.release('a')
      expect(recorder.calls).toEqual(['a', 'finished'])
    })

    it('open is awaited each time: messages and the next open wait for it', async () => {
      recorder.hold = name => name === 'open'
      inbox.open()
      inbox.message('a', 1)
      inbox.open()
      inbox.message('b', 1)
      await recorder.release('open')
      expect(recorder.calls).toEqual(['open', 'a', 'open'])
      await recorder.release('open')
      expect(recorder.calls).toEqual(['open', 'a', 'open', 'b'])
    })

    it.each(['none', 'busy'] as const)(
      'run in order even if the listener is %s, and the messages are kept',
      listener => {
        set_listener(listener)
        for (const name of ['a', 'b']) inbox.message(name, 1)
        inbox.open()
        inbox.message('c', 1)
        finish()
        inbox.open()
        expect(recorder.calls).toEqual(['open', 'finished', 'open'])
        expect(inbox.bytes).toBe(3 * 65)
        set_listener('ready')
        expect(recorder.calls).toEqual(['open', 'finished', 'open', 'a', 'b', 'c'])
        expect(inbox.bytes).toBe(0)
      },
    )

    it('all run before the end, even without a listener for the messages between them', async () => {
      set_listener('none')
      recorder.hold = name => name === 'open'
      inbox.open()
      inbox.message('a', 1)
      inbox.open()
      inbox.message('b', 1)
      inbox.close(BYE)
      await recorder.release('open')
      await recorder.release('open')
      expect(recorder.calls).toEqual(['open', 'open', 'close bye', 'done bye'])
      set_listener('ready')
      expect(recorder.calls.slice(4)).toEqual(['a', 'b'])
    })

    it('run even if the listener stops within the messages before them', () => {
      set_listener('none')
      for (const name of ['a', 'b', 'c']) inbox.message(name, 1)
      recorder.on_call = name => {
        if (name === 'a') {
          set_listener('busy')
          inbox.open()
        }
      }
      set_listener('ready')
      expect(recorder.calls).toEqual(['a', 'open'])
      set_listener('ready')
      expect(recorder.calls).toEqual(['a', 'open', 'b', 'c'])
    })

    it('are kept when the messages around them are discarded', async () => {
      recorder.hold = name => name === 'a'
      for (const name of ['a', 'b']) inbox.message(name, 1)
      inbox.open()
      inbox.message('c', 1)
      finish()
      inbox.message('d', 1)
      inbox.drop()
      expect(inbox.bytes).toBe(0)
      inbox.message('e', 1)
      await recorder.release('a')
      expect(recorder.calls).toEqual(['a', 'open', 'finished', 'e'])
    })

    it('still run after messages without a listener are discarded', () => {
      set_listener('none')
      inbox.message('a', 1)
      inbox.open()
      inbox.drop()
      inbox.message('b', 1)
      inbox.open()
      expect(recorder.calls).toEqual(['open', 'open'])
      expect(inbox.bytes).toBe(65)
    })

    it('a task runs after the callback that asked for it', () => {
      recorder.on_call = name => {
        if (name === 'a') finish()
      }
      inbox.message('a', 1)
      expect(recorder.calls).toEqual(['a', 'finished'])
    })

    it('a task may drop the messages behind it', async () => {
      recorder.on_call = name => {
        if (name === 'finished') inbox.drop()
      }
      recorder.hold = name => name === 'a'
      inbox.message('a', 1)
      finish()
      inbox.message('late', 1)
      inbox.close(BYE)
      await recorder.release('a')
      expect(recorder.calls).toEqual(['a', 'finished', 'close bye', 'done bye'])
    })
  })
})
