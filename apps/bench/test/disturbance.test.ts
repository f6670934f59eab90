import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Repeats } from '../src/disturbance.ts'

const SHARES = [0.5, 0.04, 0.2, 0.03, 0.9]

/** Returns what measures, each time with the next of these shares. */
function measuring(figure: string, shares: readonly number[] = SHARES) {
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

  async function outcome(repeats: Repeats, measure: ReturnType<typeof measuring>) {
    const figures = repeats.least_disturbed(measure)
    await vi.runAllTimersAsync()
    return [await figures, repeats.made]
  }

  it.each(['others_share', 'load_others_share'])(
    'measures again until at most 3 % of a core is taken (%s)',
    async figure => {
      expect(await outcome(new Repeats(10), measuring(figure))).toEqual([{ [figure]: 0.03 }, 3])
    },
  )

  it('takes the least disturbed when it may measure no more', async () => {
    const repeats = new Repeats(2)
    expect(await outcome(repeats, measuring('others_share'))).toEqual([{ others_share: 0.04 }, 2])
    expect(await outcome(repeats, measuring('others_share'))).toEqual([{ others_share: 0.5 }, 2])
  })

  it('gives up on a figure after eight tries', async () => {
    const shares = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]
    expect(await outcome(new Repeats(100), measuring('others_share', shares))).toEqual([
      { others_share: 0.2 },
      7,
    ])
  })

  it('measures once where nobody tells what was taken', async () => {
    expect(await outcome(new Repeats(10), async () => ({ messages: 1 }))).toEqual([{ messages: 1 }, 0])
  })
})
