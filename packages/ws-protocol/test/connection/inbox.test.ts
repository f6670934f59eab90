import { beforeEach, describe, expect, it } from 'vitest'
import type { CloseInfo } from '../../src/connection/close_info.js'
import { INBOX_LIMIT_BYTES, INBOX_MAX_BYTES, Inbox, type InboxEvents } from '../../src/connection/inbox.js'

const BYE: CloseInfo = { code: 1000, reason: 'bye', cause: 'peer', clean: true, unsent: 0 }

/** Records what an inbox calls; callbacks whose name is to be held return a promise. */
class Recorder {
  readonly heard: string[] = []
  readonly held = new Map<string, { release(): void; reject(cause: unknown): void }>()
  hold: (name: string) => boolean = () => false
  on_call: (name: string) => void = () => {}
  may_run: () => boolean = () => true
  on_open: () => unknown = () => this.hear('open')
  on_message: (data: string | Uint8Array) => unknown = data => this.hear(String(data))
  on_close: (info: CloseInfo) => unknown = info => this.hear(`close ${info.reason}`)

  async release(name: string): Promise<void> {
    this.held.get(name)?.release()
    await settled()
  }

  hear(name: string): unknown {
    this.heard.push(name)
    this.on_call(name)
    if (!this.hold(name)) return undefined
    return new Promise<void>((release, reject) => this.held.set(name, { release, reject }))
  }
}

const EVENTS: InboxEvents<Recorder> = {
  may_run: recorder => recorder.may_run(),
  on_open: recorder => recorder.on_open(),
  on_message: (recorder, data) => recorder.on_message(data),
  on_close: (recorder, info) => recorder.on_close(info),
  finished: recorder => void recorder.hear('finished'),
  callback_failed: (recorder, name, cause) =>
    void recorder.heard.push(`${name} failed: ${(cause as Error).message}`),
  pause_reading: recorder => void recorder.heard.push('pause'),
  resume_reading: recorder => void recorder.heard.push('resume'),
  settled: (recorder, { reason }) => void recorder.heard.push(`done ${reason}`),
}

/** Lets the promise jobs that are due run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve()
}

const large = 'x'.repeat(65_536)

describe('Inbox', () => {
  let owner: Recorder
  let inbox: Inbox<Recorder>

  beforeEach(() => {
    owner = new Recorder()
    inbox = new Inbox(owner, EVENTS)
  })

  it('calls a synchronous callback straight away', () => {
    inbox.open()
    inbox.message('a', 1)
    expect(owner.heard).toEqual(['open', 'a'])
    expect(inbox.bytes).toBe(0)
  })

  it('calls callbacks in order, one at a time, however long each takes', async () => {
    owner.hold = name => name === 'open' || name === 'a'
    inbox.open()
    inbox.message('a', 1)
    inbox.message('b', 1)
    inbox.close(BYE)
    expect(owner.heard).toEqual(['open'])
    await owner.release('open')
    expect(owner.heard).toEqual(['open', 'a'])
    await owner.release('a')
    expect(owner.heard).toEqual(['open', 'a', 'b', 'close bye', 'done bye'])
  })

  it('keeps order when a callback makes something happen while it runs', () => {
    owner.on_call = name => {
      if (name === 'a') {
        inbox.message('b', 1)
        inbox.close(BYE)
      }
    }
    inbox.message('a', 1)
    expect(owner.heard).toEqual(['a', 'b', 'close bye', 'done bye'])
  })

  it('runs nothing in a turn that is over, and then all in order', () => {
    owner.may_run = () => false
    inbox.open()
    inbox.message('a', 1)
    inbox.finish()
    inbox.close(BYE)
    expect(owner.heard).toEqual([])
    owner.may_run = () => true
    inbox.run()
    expect(owner.heard).toEqual(['open', 'a', 'finished', 'close bye', 'done bye'])
  })

  it.each([
    ['throws', true],
    ['returns', false],
  ])('asks before each callback whether it may run, where one that waited %s', async (_, has_failed) => {
    let left = 3
    owner.may_run = () => {
      left -= 1
      return left >= 0
    }
    owner.hold = name => name === 'a'
    owner.on_call = name => {
      if (has_failed && name !== 'a') throw new Error('no')
    }
    for (const name of ['a', 'b', 'c', 'd']) inbox.message(name, 1)
    await owner.release('a')
    expect(owner.heard.filter(name => name.length === 1)).toEqual(['a', 'b', 'c'])
    left = 1
    inbox.run()
    expect(owner.heard.filter(name => name.length === 1)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is done only when an async on_close is', async () => {
    owner.hold = name => name === 'close bye'
    inbox.close(BYE)
    expect(owner.heard).toEqual(['close bye'])
    await owner.release('close bye')
    expect(owner.heard).toEqual(['close bye', 'done bye'])
  })

  it.each(['open', 'a', 'close bye'])('goes on when %s throws', thrower => {
    owner.on_call = name => {
      if (name === thrower) throw new Error('no')
    }
    inbox.open()
    inbox.message('a', 1)
    inbox.close(BYE)
    expect(owner.heard.filter(entry => entry.endsWith('failed: no'))).toHaveLength(1)
    expect(owner.heard.filter(entry => !entry.endsWith('failed: no'))).toEqual([
      'open',
      'a',
      'close bye',
      'done bye',
    ])
  })

  it('goes on when a callback’s promise is rejected', async () => {
    owner.hold = name => name === 'a'
    inbox.message('a', 1)
    inbox.message('b', 1)
    owner.held.get('a')?.reject(new Error('late'))
    await settled()
    expect(owner.heard).toEqual(['a', 'message failed: late', 'b'])
  })

  it('names the callback whose promise was rejected', async () => {
    owner.hold = name => name === 'open'
    inbox.open()
    owner.held.get('open')?.reject(new Error('late'))
    await settled()
    expect(owner.heard).toEqual(['open', 'open failed: late'])
  })

  it('awaits a thenable that is no Promise', async () => {
    let go_on: (() => void) | undefined
    const then = (resolve: () => void): void => {
      go_on = resolve
    }
    owner.on_open = () => Object.defineProperty({}, 'then', { value: then })
    inbox.open()
    inbox.message('a', 1)
    await settled()
    expect(owner.heard).toEqual([])
    go_on?.()
    await settled()
    expect(owner.heard).toEqual(['a'])
  })

  it('pauses the socket at 256 KiB, and resumes it when half of that is left', async () => {
    owner.hold = () => true
    inbox.message('first', 5)
    for (let i = 0; i < 3; i += 1) inbox.message(large, 65_536)
    expect(owner.heard).toEqual(['first'])
    inbox.message(large, 65_536)
    expect(owner.heard).toEqual(['first', 'pause'])
    expect(inbox.bytes).toBeGreaterThanOrEqual(INBOX_LIMIT_BYTES)
    inbox.message(large, 65_536)
    expect(owner.heard).toEqual(['first', 'pause'])

    owner.hold = name => name === large
    await owner.release('first')
    await owner.release(large)
    await owner.release(large)
    expect(owner.heard.filter(entry => entry === 'resume')).toEqual([])
    await owner.release(large)
    expect(owner.heard.filter(entry => entry === 'resume')).toEqual(['resume'])
  })

  it('counts empty messages as well, so that a flood of them pauses the socket', () => {
    owner.hold = () => true
    for (let i = 0; i <= INBOX_LIMIT_BYTES / 64; i += 1) inbox.message('', 0)
    expect(owner.heard).toEqual(['', 'pause'])
  })

  it('keeps messages for somebody who registers later', () => {
    inbox.listener = 'none'
    inbox.open()
    inbox.message('a', 1)
    inbox.message('b', 1)
    expect(owner.heard).toEqual(['open'])
    expect(inbox.bytes).toBe(2 + 2 * 64)
    inbox.listener = 'ready'
    expect(owner.heard).toEqual(['open', 'a', 'b'])
  })

  it.each(['none', 'busy'] as const)(
    'tells of the close though who takes messages is %s, and keeps the messages before it',
    listener => {
      inbox.listener = listener
      inbox.message('a', 1)
      inbox.close(BYE)
      expect(owner.heard).toEqual(['close bye', 'done bye'])
      inbox.listener = 'ready'
      expect(owner.heard).toEqual(['close bye', 'done bye', 'a'])
    },
  )

  it('tells of the close that waited behind messages which are thrown away', () => {
    owner.hold = name => name === 'first'
    inbox.message('first', 5)
    inbox.message('waits', 5)
    inbox.close(BYE)
    owner.hold = () => false
    inbox.discard_messages()
    return owner.release('first').then(() => expect(owner.heard).toEqual(['first', 'close bye', 'done bye']))
  })

  it('goes on when what a callback returned has a then that throws', async () => {
    const returned = Object.defineProperty({}, 'then', {
      get: () => {
        throw new Error('no then')
      },
    })
    owner.on_open = () => returned
    inbox.open()
    inbox.message('a', 1)
    await settled()
    expect(owner.heard).toEqual(['open failed: no then', 'a'])
  })

  it('throws away what waits when nobody wants it any more, and resumes the socket', async () => {
    owner.hold = name => name === 'first'
    inbox.message('first', 5)
    for (let i = 0; i < 4; i += 1) inbox.message(large, 65_536)
    inbox.discard_messages()
    expect(inbox.bytes).toBe(0)
    inbox.close(BYE)
    expect(owner.heard).toEqual(['first', 'pause', 'resume'])
    await owner.release('first')
    expect(owner.heard).toEqual(['first', 'pause', 'resume', 'close bye', 'done bye'])
  })

  it('passes each callback its value, and not a copy', () => {
    const calls: unknown[] = []
    owner.on_open = () => void calls.push('open')
    owner.on_message = data => void calls.push(data)
    owner.on_close = info => void calls.push(info)
    const bytes = Uint8Array.of(1, 2)
    inbox.open()
    inbox.message('a', 1)
    inbox.message(bytes, 2)
    inbox.close(BYE)
    expect(calls).toEqual(['open', 'a', bytes, BYE])
    expect(calls[2]).toBe(bytes)
  })

  it('names the callback of messages and that of the end when their promises are rejected', async () => {
    owner.hold = () => true
    inbox.message('a', 1)
    inbox.close(BYE)
    owner.held.get('a')?.reject(new Error('first'))
    await settled()
    owner.held.get('close bye')?.reject(new Error('last'))
    await settled()
    expect(owner.heard).toEqual(['a', 'message failed: first', 'close bye', 'close failed: last', 'done bye'])
  })

  it('keeps the rest when who takes messages stops in the middle', () => {
    inbox.listener = 'none'
    for (const name of ['a', 'b', 'c']) inbox.message(name, 1)
    owner.on_call = name => {
      if (name === 'a') inbox.listener = 'busy'
    }
    inbox.listener = 'ready'
    expect(owner.heard).toEqual(['a'])
    expect(inbox.bytes).toBe(2 * 65)
    inbox.listener = 'ready'
    expect(owner.heard).toEqual(['a', 'b', 'c'])
  })

  it('hands on what waited before what arrives, though nobody said that somebody is ready', () => {
    inbox.listener = 'none'
    inbox.message('a', 1)
    inbox.listener = 'ready'
    inbox.message('b', 1)
    expect(owner.heard).toEqual(['a', 'b'])
  })

  it('runs nothing anew while a callback runs', async () => {
    owner.hold = name => name === 'a'
    inbox.message('a', 1)
    inbox.message('b', 1)
    inbox.run()
    expect(owner.heard).toEqual(['a'])
    await owner.release('a')
    expect(owner.heard).toEqual(['a', 'b'])
  })

  it('takes what comes though the socket can’t be paused, and asks for the pause once', () => {
    owner.hold = () => true
    inbox.message('first', 5)
    for (let i = 0; i < 3; i += 1) inbox.message('x', INBOX_MAX_BYTES)
    expect(inbox.bytes).toBe(3 * (INBOX_MAX_BYTES + 64))
    expect(owner.heard).toEqual(['first', 'pause'])
  })

  it('is paused from 256 KiB on until half of that is left', async () => {
    owner.hold = () => true
    inbox.message('first', 5)
    inbox.message('waits', INBOX_LIMIT_BYTES - 64 - 1)
    expect(inbox.is_paused).toBe(false)
    inbox.message('more', 0)
    expect(inbox.is_paused).toBe(true)
    await owner.release('first')
    expect([inbox.is_paused, inbox.bytes]).toEqual([false, 64])
  })

  it('resumes the socket with exactly half of it left, and not with a byte more', async () => {
    owner.hold = () => true
    for (const [left_bytes, is_paused] of [
      [INBOX_LIMIT_BYTES / 2, false],
      [INBOX_LIMIT_BYTES / 2 + 1, true],
    ] as const) {
      inbox = new Inbox(owner, EVENTS)
      inbox.message('first', 5)
      inbox.message('waits', INBOX_LIMIT_BYTES)
      inbox.message('left', left_bytes - 64)
      await owner.release('first')
      expect([inbox.bytes, inbox.is_paused]).toEqual([left_bytes, is_paused])
    }
  })

  it('keeps order over thousands of messages that wait', async () => {
    owner.hold = name => name === '0'
    const names = Array.from({ length: 2_000 }, (_, index) => String(index))
    for (const name of names) inbox.message(name, name.length)
    await owner.release('0')
    expect(owner.heard).toEqual(names)
  })

  describe('open and finished', () => {
    it('wait behind the messages that wait, in order with them', async () => {
      owner.hold = name => name === 'a'
      inbox.message('a', 1)
      inbox.message('b', 1)
      inbox.open()
      inbox.message('c', 1)
      inbox.finish()
      inbox.message('d', 1)
      expect(owner.heard).toEqual(['a'])
      await owner.release('a')
      expect(owner.heard).toEqual(['a', 'b', 'open', 'c', 'finished', 'd'])
    })

    it('come at once where nothing waits', () => {
      inbox.open()
      inbox.finish()
      inbox.open()
      expect(owner.heard).toEqual(['open', 'finished', 'open'])
    })

    it('count as no bytes', () => {
      owner.hold = () => true
      inbox.open()
      inbox.finish()
      inbox.open()
      expect(inbox.bytes).toBe(0)
    })

    it('finished waits for a callback that is not done, though nothing waits behind it', async () => {
      owner.hold = name => name === 'a'
      inbox.message('a', 1)
      inbox.finish()
      expect(owner.heard).toEqual(['a'])
      await owner.release('a')
      expect(owner.heard).toEqual(['a', 'finished'])
    })

    it('open is awaited each time: messages and the next open wait for it', async () => {
      owner.hold = name => name === 'open'
      inbox.open()
      inbox.message('a', 1)
      inbox.open()
      inbox.message('b', 1)
      await owner.release('open')
      expect(owner.heard).toEqual(['open', 'a', 'open'])
      await owner.release('open')
      expect(owner.heard).toEqual(['open', 'a', 'open', 'b'])
    })

    it.each(['none', 'busy'] as const)(
      'come though who takes messages is %s, in order, and the messages are kept',
      listener => {
        inbox.listener = listener
        for (const name of ['a', 'b']) inbox.message(name, 1)
        inbox.open()
        inbox.message('c', 1)
        inbox.finish()
        inbox.open()
        expect(owner.heard).toEqual(['open', 'finished', 'open'])
        expect(inbox.bytes).toBe(3 * 65)
        inbox.listener = 'ready'
        expect(owner.heard).toEqual(['open', 'finished', 'open', 'a', 'b', 'c'])
        expect(inbox.bytes).toBe(0)
      },
    )

    it('all come before the end, though nobody takes the messages between them', async () => {
      inbox.listener = 'none'
      owner.hold = name => name === 'open'
      inbox.open()
      inbox.message('a', 1)
      inbox.open()
      inbox.message('b', 1)
      inbox.close(BYE)
      await owner.release('open')
      await owner.release('open')
      expect(owner.heard).toEqual(['open', 'open', 'close bye', 'done bye'])
      inbox.listener = 'ready'
      expect(owner.heard.slice(4)).toEqual(['a', 'b'])
    })

    it('come where who takes messages stops in the middle of those before them', () => {
      inbox.listener = 'none'
      for (const name of ['a', 'b', 'c']) inbox.message(name, 1)
      owner.on_call = name => {
        if (name === 'a') {
          inbox.listener = 'busy'
          inbox.open()
        }
      }
      inbox.listener = 'ready'
      expect(owner.heard).toEqual(['a', 'open'])
      inbox.listener = 'ready'
      expect(owner.heard).toEqual(['a', 'open', 'b', 'c'])
    })

    it('stay when the messages around them are thrown away', async () => {
      owner.hold = name => name === 'a'
      for (const name of ['a', 'b']) inbox.message(name, 1)
      inbox.open()
      inbox.message('c', 1)
      inbox.finish()
      inbox.message('d', 1)
      inbox.discard_messages()
      expect(inbox.bytes).toBe(0)
      inbox.message('e', 1)
      await owner.release('a')
      expect(owner.heard).toEqual(['a', 'open', 'finished', 'e'])
    })

    it('come still where messages are thrown away that nobody took', () => {
      inbox.listener = 'none'
      inbox.message('a', 1)
      inbox.open()
      inbox.discard_messages()
      inbox.message('b', 1)
      inbox.open()
      expect(owner.heard).toEqual(['open', 'open'])
      expect(inbox.bytes).toBe(65)
    })

    it('finished may throw away what has come behind it', () => {
      owner.on_call = name => {
        if (name === 'finished') inbox.discard_messages()
      }
      owner.hold = name => name === 'a'
      inbox.message('a', 1)
      inbox.finish()
      inbox.message('late', 1)
      inbox.close(BYE)
      return owner
        .release('a')
        .then(() => expect(owner.heard).toEqual(['a', 'finished', 'close bye', 'done bye']))
    })
  })
})
