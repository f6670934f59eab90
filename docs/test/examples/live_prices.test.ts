import { connect, type WsClient } from '@bt/net'
import { deferred } from '@bt/test-support/deferred'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Program } from './program.ts'

interface Price {
  readonly symbol: string
  readonly price: number
  readonly number: number
}

/** A client that watches symbols; `on_price` may return a promise, which it takes its time with. */
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

describe('live prices', () => {
  it('reach each client for what it watches, and for nothing else any more once it watches something else', async () => {
    const program = new Program('live_prices', { BIND: '127.0.0.1:0', TICK_MS: '5' })
    const seen: Price[] = []
    const wanted = deferred()
    const client = watch(await program.url(), ['S1', 'S2'], price => {
      if (price.symbol === 'S3') return wanted.resolve()
      seen.push(price)
      if (seen.length === 20) client.send('{"watch":["S3"]}')
    })
    await wanted.promise
    const after = seen.length
    for (const symbol of ['S1', 'S2']) {
      const numbers = seen.filter(price => price.symbol === symbol).map(({ number }) => number)
      expect(numbers).toEqual(numbers.map((_, i) => (numbers[0] ?? 0) + i))
    }
    const next = await new Promise<Price>(resolve => client.on_message(data => resolve(JSON.parse(data))))
    expect(next.symbol).toBe('S3')
    expect(seen).toHaveLength(after)
    expect(new Set(seen.map(({ symbol }) => symbol))).toEqual(new Set(['S1', 'S2']))
  })

  it('come newest first to who can’t keep up, and all of them to who can', async () => {
    const program = new Program('live_prices', { BIND: '127.0.0.1:0', TICK_MS: '2', SYMBOLS: '2000' })
    const url = await program.url()
    const quick: number[] = []
    watch(url, ['S7'], ({ number }) => quick.push(number))

    const symbols = Array.from({ length: 2_000 }, (_, i) => `S${i}`)
    const last = new Map<string, number>()
    const up_to_date = new Set<string>()
    const released = deferred()
    const is_back = deferred()
    let [received, left_out, went_back, target] = [0, 0, 0, Number.POSITIVE_INFINITY]
    watch(url, symbols, async ({ symbol, number }) => {
      await released.promise
      const before = last.get(symbol)
      if (before !== undefined && number <= before) went_back += 1
      if (before !== undefined) left_out += number - before - 1
      last.set(symbol, number)
      received += 1
      if (number >= target) up_to_date.add(symbol)
      if (up_to_date.size === symbols.length) is_back.resolve()
    })
    await program.says(/does not keep up/)
    target = (quick.at(-1) ?? 0) + 100
    released.resolve()
    await is_back.promise

    expect(went_back).toBe(0)
    expect(left_out).toBeGreaterThan(0)
    expect(quick).toEqual(quick.map((_, i) => (quick[0] ?? 0) + i))
    expect(received).toBeGreaterThan(symbols.length)
    expect(program.written).not.toContain('queue_full')
    expect(await program.stop()).toEqual({ code: 0, signal: null })
  })

  it('slow down who changes ten times in a second what it watches', async () => {
    const url = await new Program('live_prices', { BIND: '127.0.0.1:0' }).url()
    const client = watch(url, [], () => {})
    for (let i = 0; i < 5; i += 1) client.send('{"watch":["S1"]}')
    client.send('{"watch":["GONE"]}')
    await client.opened
    const began_ms = performance.now()
    await client.closed
    // Timers may be a little early.
    expect(performance.now() - began_ms).toBeGreaterThan(5 * 95)
  })

  it('end for a client that asks for what there is not, which is told why', async () => {
    const url = await new Program('live_prices', { BIND: '127.0.0.1:0' }).url()
    for (const data of ['no JSON', '{"watch":["GONE"]}', '{"watch":"S1"}', '7']) {
      const client = connect({ type: 'ws', url, on_message: () => {} })
      client.send(data)
      const info = await client.closed
      expect(info, data).toMatchObject({ code: 4400, reason: expect.stringContaining('watch') })
    }
  })
})
