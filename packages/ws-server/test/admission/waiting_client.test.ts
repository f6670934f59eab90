import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { FakeClock } from '@bt/ws-protocol/testing'
import { describe, expect, it } from 'vitest'
import { WaitingClient, type WaitOutcome } from '../../src/admission/waiting_client.js'
import { LazySignal } from '../../src/handshake/lazy_signal.js'
import { TotalInboxBudget } from '../../src/sockets/inbox_budget.js'

/** A client that waits, over a stream that a test writes into. */
function waiting(head = ''): {
  stream: PassThrough
  clock: FakeClock
  signal: LazySignal
  client: WaitingClient
  budget: TotalInboxBudget
  ends: [WaitOutcome, string][]
} {
  const stream = new PassThrough()
  const clock = new FakeClock()
  const signal = new LazySignal()
  const budget = new TotalInboxBudget(80_000)
  const ends: [WaitOutcome, string][] = []
  const client = new WaitingClient({
    stream: stream as unknown as Socket,
    head: Buffer.from(head),
    signal,
    timeout_ms: 100,
    inbox_budget: budget,
    clock,
    done: (outcome, held) => ends.push([outcome, held.toString()]),
  })
  client.start()
  return { stream, clock, signal, client, budget, ends }
}

describe('a client that waits', () => {
  it('ends once, with the bytes read so far', async () => {
    const { stream, clock, signal, client, ends } = waiting('a')
    const read = once(stream, 'data')
    stream.write('b')
    await read
    client.end({ name: 'answered', data: 1 })
    client.end({ name: 'failed', error: 2 })
    clock.advance(1_000)
    stream.destroy()
    expect(ends).toEqual([[{ name: 'answered', data: 1 }, 'ab']])
    expect(signal.signal.aborted).toBe(false)
    expect(clock.timers).toBe(0)
  })

  it('is read even if its socket was paused because of bytes after the handshake', async () => {
    const stream = new PassThrough().pause()
    stream.write('more')
    const left = new Promise(done => {
      new WaitingClient({
        stream: stream as unknown as Socket,
        head: Buffer.from('some '),
        signal: new LazySignal(),
        timeout_ms: 100,
        inbox_budget: new TotalInboxBudget(80_000),
        clock: new FakeClock(),
        done: ({ name }, held) => done([name, held.toString()]),
      }).start()
    })
    stream.end()
    expect(await left).toEqual(['left', 'some more'])
  })

  it('leaves later bytes to the next reader after its end', async () => {
    const { stream, client } = waiting()
    client.end({ name: 'answered', data: 1 })
    stream.write('later')
    await new Promise(setImmediate)
    stream.resume()
    const [data] = await once(stream, 'data')
    expect(String(data)).toBe('later')
    expect(stream.listenerCount('end') + stream.listenerCount('close')).toBe(
      new PassThrough().listenerCount('end'),
    )
  })

  it('waits no longer than its timeout', () => {
    const { clock, signal, ends } = waiting()
    clock.advance(99)
    expect(ends).toEqual([])
    clock.advance(1)
    expect(ends).toEqual([[{ name: 'timed_out' }, '']])
    expect(signal.signal.aborted).toBe(true)
  })

  it('is not read beyond 64 KiB and one chunk', async () => {
    const { stream, client, ends } = waiting()
    const paused = once(stream, 'pause')
    for (let i = 0; i < 100; i += 1) stream.write('x'.repeat(4_096))
    await paused
    client.end({ name: 'shut_down' })
    expect(ends[0]?.[1]).toHaveLength(65_536)
  })

  it('counts the received bytes until it ends', async () => {
    const { stream, client, budget } = waiting('head')
    for (let i = 0; i < 200; i += 1) stream.write('x')
    await new Promise(setImmediate)
    expect(budget.total_bytes).toBe(204)
    client.end({ name: 'answered', data: 1 })
    expect(budget.total_bytes).toBe(0)
  })

  it('is refused if it has sent most when the limit is exceeded', () => {
    const { budget, ends, signal } = waiting('x'.repeat(80_001))
    expect(ends).toEqual([[{ name: 'shed' }, expect.any(String)]])
    expect(signal.signal.aborted).toBe(true)
    expect(budget).toMatchObject({ total_bytes: 0, shed: 0 })
  })
})
