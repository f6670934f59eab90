import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { may_continue, type TurnTaker } from '../../../src/node/wire/turn_share.js'

/** Keeps the thread busy. */
function work(ms: number): void {
  for (const end_ms = performance.now() + ms; performance.now() < end_ms; );
}

/** Has work that takes `ms` milliseconds, and does its share of it in each turn. */
class Worker implements TurnTaker {
  readonly #worked: (worker: Worker) => void
  readonly #settle: () => void
  readonly done: Promise<void>
  #left_ms: number

  constructor(ms: number, worked: (worker: Worker) => void) {
    this.#left_ms = ms
    this.#worked = worked
    let settle!: () => void
    this.done = new Promise(resolve => {
      settle = resolve
    })
    this.#settle = settle
  }

  turn_began(): void {
    this.#worked(this)
    while (this.#left_ms > 0) {
      work(0.25)
      this.#left_ms -= 0.25
      if (this.#left_ms > 0 && !may_continue(this)) return
    }
    this.#settle()
  }
}

describe('may_continue', () => {
  it('ends the share of a socket after a millisecond, however many steps that allows', async () => {
    let turns = 0
    const worker = new Worker(20, () => {
      turns += 1
    })
    worker.turn_began()
    expect(turns).toBe(1)
    await worker.done
    expect(turns).toBeGreaterThanOrEqual(10)
  })

  it('continues with the sockets that have waited longest, as far as the time of a turn allows', async () => {
    const order: number[] = []
    const workers = Array.from({ length: 200 }, (_, n) => new Worker(3, () => order.push(n)))
    for (const worker of workers) worker.turn_began()
    const in_a_turn: number[] = []
    let seen = order.length
    const count = (): void => {
      in_a_turn.push(order.length - seen)
      seen = order.length
      counting = setImmediate(count)
    }
    let counting = setImmediate(count)
    await Promise.all(workers.map(({ done }) => done))
    clearImmediate(counting)
    const [first, second] = [order.slice(0, 200), order.slice(200, 400)]
    expect(second).toEqual(first)
    expect(Math.max(...in_a_turn)).toBeLessThan(100)
  })
})
