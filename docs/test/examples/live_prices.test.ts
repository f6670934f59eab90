import { connect, type WsClient } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

interface Price {
  readonly symbol: string
  readonly price: number
  readonly number: number
}

/** Connects a client that watches symbols. A promise that `on_price` returns delays the next price. */
function watch(url: string, symbols: readonly string[], on_price: (price: Price) => unknown): WsClient {
  const client = connect({
    type: 'ws',
    url,
    on_message: data => on_price(JSON.parse(data)),
    on_error: () => {},
  })
  onTestFinished(async () => {
    client.close()
    await client.closed
  })
  client.send(JSON.stringify({ watch: symbols }))
  return client
}

describe('the live prices', () => {
  it('sends each client only the symbols that it currently watches, without gaps', async () => {
    const program = new Program('live_prices', { BIND: '127.0.0.1:0', TICK_MS: '5' })
    const received: Price[] = []
    const has_switched = deferred()
    const client = watch(await program.url(), ['S1', 'S2'], price => {
      if (price.symbol === 'S3') return has_switched.resolve()
      received.push(price)
      if (received.length === 20) client.send('{"watch":["S3"]}')
    })
    await has_switched.promise
    const count = received.length
    for (const symbol of ['S1', 'S2']) {
      const numbers = received.filter(price => price.symbol === symbol).map(({ number }) => number)
      expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
    }
    const next = await new Promise<Price>(resolve => client.on_message(data => resolve(JSON.parse(data))))
    expect(next.symbol).toBe('S3')
    expect(received).toHaveLength(count)
    expect(new Set(received.map(({ symbol }) => symbol))).toEqual(new Set(['S1', 'S2']))
  })

  it('sends every price to a fast client, and only the newest ones to a slow client', async () => {
    const program = new Program('live_prices', { BIND: '127.0.0.1:0', TICK_MS: '2', SYMBOLS: '2000' })
    const url = await program.url()
    const fast: number[] = []
    watch(url, ['S7'], ({ number }) => fast.push(number))

    const symbols = Array.from({ length: 2_000 }, (_, i) => `S${i}`)
    const last = new Map<string, number>()
    const up_to_date = new Set<string>()
    const released = deferred()
    const has_caught_up = deferred()
    let [received, skipped, out_of_order, target] = [0, 0, 0, Number.POSITIVE_INFINITY]
    watch(url, symbols, async ({ symbol, number }) => {
      await released.promise
      const before = last.get(symbol)
      if (before !== undefined && number <= before) out_of_order += 1
      if (before !== undefined) skipped += number - before - 1
      last.set(symbol, number)
      received += 1
      if (number >= target) up_to_date.add(symbol)
      if (up_to_date.size === symbols.length) has_caught_up.resolve()
    })
    await program.says(/does not keep up/)
    target = (fast.at(-1) ?? 0) + 100
    released.resolve()
    await has_caught_up.promise

    expect(out_of_order).toBe(0)
    expect(skipped).toBeGreaterThan(0)
    expect(fast).toEqual(fast.map((_, i) => (fast[0] ?? 0) + i))
    expect(received).toBeGreaterThan(symbols.length)
    expect(program.written).not.toContain('queue_full')
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('slows down a client that changes its symbols more than ten times a second', async () => {
    const url = await new Program('live_prices', { BIND: '127.0.0.1:0' }).url()
    const client = watch(url, [], () => {})
    for (let i = 0; i < 5; i += 1) client.send('{"watch":["S1"]}')
    client.send('{"watch":["GONE"]}')
    await client.opened
    const began_ms = performance.now()
    await client.closed
    // Timers may fire a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(5 * 95)
  })

  it('closes the socket with a reason after an invalid message or an unknown symbol', async () => {
    const url = await new Program('live_prices', { BIND: '127.0.0.1:0' }).url()
    for (const data of ['no JSON', '{"watch":["GONE"]}', '{"watch":"S1"}', '7']) {
      const client = connect({ type: 'ws', url, on_message: () => {} })
      client.send(data)
      const info = await client.closed
      expect(info, data).toMatchObject({ code: 4400, reason: expect.stringContaining('watch') })
    }
  })
})
