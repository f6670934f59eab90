import type { NetError } from '@bt/ws-protocol'
import { beforeEach, describe, expect, it } from 'vitest'
import { type BudgetedConnection, TotalQueueBudget } from '../../src/sockets/queue_budget.js'

const LIMIT = 6_400
/** The minimum that is sent between two counts: a 64th of the limit. */
const STEP = 100

/** A fake connection whose queue a test controls. */
class Queue implements BudgetedConnection {
  readonly name: string
  queued: number
  /** Bytes held by the network, which count until the socket has ended. */
  under_way = 0
  /** The number of calls of `shed`. */
  calls = 0
  #is_ending = false
  readonly #log: [string, NetError][]

  constructor(name: string, queued: number, log: [string, NetError][]) {
    this.name = name
    this.queued = queued
    this.#log = log
  }

  /** Queued bytes that are written at the end of the turn. */
  unwritten = 0

  flush(): void {
    this.queued -= this.unwritten
    this.unwritten = 0
  }

  shed(error: NetError, code: number): boolean {
    expect(code).toBe(1013)
    this.calls += 1
    if (this.#is_ending) return false
    this.#is_ending = true
    this.queued = this.under_way
    this.#log.push([this.name, error])
    return true
  }
}

describe('TotalQueueBudget', () => {
  let log: [string, NetError][]
  let queues: Queue[]
  let counts: number
  let budget: TotalQueueBudget

  const add = (name: string, queued: number): Queue => {
    const queue = new Queue(name, queued, log)
    queues.push(queue)
    return queue
  }
  const shed = (): string[] => log.map(([name]) => name)

  beforeEach(() => {
    log = []
    queues = []
    counts = 0
    budget = new TotalQueueBudget(LIMIT, () => {
      counts += 1
      return queues
    })
  })

  it('sheds no connection up to 63/64 of the limit', () => {
    add('a', 3_000)
    add('b', LIMIT - STEP - 3_000)
    budget.took(LIMIT)
    expect([counts, shed(), budget.shed]).toEqual([1, [], 0])
  })

  it('sheds the largest queue, and no more than it takes', () => {
    for (const [name, queued] of [
      ['small', 1_000],
      ['largest', 3_000],
      ['large', 2_301],
    ] as const)
      add(name, queued)
    budget.took(LIMIT)
    expect([shed(), budget.shed]).toEqual([['largest'], 1])
  })

  it('sheds no connection for bytes that the network takes', () => {
    const quick = add('quick', 6_000)
    quick.unwritten = 6_000
    add('slow', 5_000)
    budget.took(LIMIT)
    expect([shed(), quick.queued]).toEqual([[], 0])
  })

  it('sheds one after another, the largest first, until the rest has room', () => {
    for (const [name, queued] of [
      ['a', 3_000],
      ['b', 5_000],
      ['c', 100],
      ['d', 4_000],
      ['e', 3_300],
    ] as const)
      add(name, queued)
    budget.took(LIMIT)
    expect([shed(), budget.shed]).toEqual([['b', 'd', 'e'], 3])
  })

  it('reports the total, the limit, the size of the shed queue, and what to do', () => {
    add('a', 5_000)
    add('b', 2_000)
    budget.took(LIMIT)
    expect(log[0]?.[1]).toMatchObject({
      code: 'queue_shed',
      message:
        'closed with 1013: 7000 bytes wait in the queues of all sockets, max_total_queue is 6400, and this was the largest queue with 5000; send slow peers less, or raise the limit if there is memory',
    })
  })

  it('counts at first when as much was sent as there may be, and not before', () => {
    budget.took(LIMIT - 1)
    expect(counts).toBe(0)
    budget.took(1)
    expect(counts).toBe(1)
  })

  it('counts again when as much was sent as was left', () => {
    add('a', 5_000)
    budget.took(LIMIT)
    budget.took(LIMIT - 5_000 - 1)
    expect(counts).toBe(1)
    budget.took(1)
    expect(counts).toBe(2)
  })

  it('counts again after a 64th of the limit at the earliest, however little is left', () => {
    add('a', LIMIT - STEP)
    budget.took(LIMIT)
    for (let sent = 1; sent < STEP; sent += 1) budget.took(1)
    expect(counts).toBe(1)
    budget.took(1)
    expect(counts).toBe(2)
  })

  it('never exceeds the limit, whatever the connections send', () => {
    for (let sent = 0; sent < 2_000; sent += 1) {
      // A new connection replaces each one that was shed.
      for (const name of shed()) queues = queues.filter(queue => queue.name !== name)
      while (queues.length < 3) add(`${sent} ${queues.length}`, 0)
      const queue = queues[sent % 3] as Queue
      queue.queued += 17
      budget.took(17)
      expect(queues.reduce((sum, { queued }) => sum + queued, 0)).toBeLessThanOrEqual(LIMIT)
    }
    expect(budget.shed).toBeGreaterThan(3)
    expect(budget.shed).toBe(shed().length)
  })

  it('sheds no connection twice, even while its bytes still count', () => {
    const stalled = add('stalled', 5_000)
    stalled.under_way = 5_000
    add('b', 3_000)
    budget.took(LIMIT)
    budget.took(STEP)
    budget.took(STEP)
    expect([counts, shed(), budget.shed, stalled.calls]).toEqual([3, ['stalled'], 1, 1])
  })

  it('sheds no other connection for the bytes of ending ones', () => {
    const stalled = add('stalled', LIMIT)
    stalled.under_way = LIMIT
    add('reader', 10)
    budget.took(LIMIT)
    budget.took(STEP)
    expect([counts, shed()]).toEqual([2, ['stalled']])
  })

  it('does nothing without connections', () => {
    budget.took(10 * LIMIT)
    expect(budget.shed).toBe(0)
  })
})
