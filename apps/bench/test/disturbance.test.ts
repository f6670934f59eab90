import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Repeats } from '../src/disturbance.ts'

const SHARES = [0.5, 0.04, 0.2, 0.03, 0.9]

/** Returns a measurement with the next of these shares at each call. */
function measure_shares(figure: string, shares: readonly number[] = SHARES) {
  const left = [...shares]
  return async () => ({ [figure]: left.shift() as number })
}

describe('Repeats', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  async function outcome(repeats: Repeats, measure: ReturnType<typeof measure_shares>) {
    const figures = repeats.least_disturbed(measure)
    await vi.runAllTimersAsync()
    return [await figures, repeats.made]
  }

  it.each(['others_share', 'load_others_share'])(
    'measures again until others use at most 3 % of a core (%s)',
    async figure => {
      expect(await outcome(new Repeats(10), measure_shares(figure))).toEqual([{ [figure]: 0.03 }, 3])
    },
  )

  it('returns the least disturbed figures when no repeats are left', async () => {
    const repeats = new Repeats(2)
    expect(await outcome(repeats, measure_shares('others_share'))).toEqual([{ others_share: 0.04 }, 2])
    expect(await outcome(repeats, measure_shares('others_share'))).toEqual([{ others_share: 0.5 }, 2])
  })

  it('measures a figure at most five times', async () => {
    const shares = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    expect(await outcome(new Repeats(100), measure_shares('others_share', shares))).toEqual([
      { others_share: 0.5 },
      4,
    ])
  })

  it('measures once if the shares of others are unknown', async () => {
    expect(await outcome(new Repeats(10), async () => ({ messages: 1 }))).toEqual([{ messages: 1 }, 0])
  })
})
