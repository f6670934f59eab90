import type { NetError } from '@bt/ws-protocol'
import type { InboxHolder } from '@bt/ws-protocol/internal/node'
import { beforeEach, describe, expect, it } from 'vitest'
import { TotalInboxBudget } from '../../src/sockets/inbox_budget.js'

const LIMIT = 6_400
/** A 64th of the limit, which is received between two counts, or freed at once. */
const STEP = 100
const KIB_256 = 262_144

/** A connection that a test has hold something. */
class Holder implements InboxHolder {
  held_bytes = 0
  /** Bytes that it has read ahead and not reported. */
  read_ahead = 0
  /** Bytes that a callback holds, which shedding can't free. */
  kept = 0
  is_ending = false
  readonly #name: string
  readonly #budget: TotalInboxBudget
  readonly #log: [string, NetError][]

  constructor(name: string, budget: TotalInboxBudget, log: [string, NetError][]) {
    this.#name = name
    this.#budget = budget
    this.#log = log
  }

  get sheddable_bytes(): number {
    return this.is_ending ? 0 : this.held_bytes - this.kept
  }

  hold(bytes: number): void {
    const by_bytes = bytes - this.held_bytes
    this.held_bytes = bytes
    this.#budget.changed(this, by_bytes)
  }

  account(): void {
    this.hold(this.held_bytes + this.read_ahead)
    this.read_ahead = 0
  }

  shed(error: NetError, code: number): boolean {
    expect(code).toBe(1013)
    if (this.is_ending) return false
    this.is_ending = true
    this.#log.push([this.#name, error])
    this.hold(this.kept)
    return true
  }
}

describe('TotalInboxBudget', () => {
  let log: [string, NetError][]
  let budget: TotalInboxBudget

  const add = (name: string, bytes = 0): Holder => {
    const holder = new Holder(name, budget, log)
    holder.hold(bytes)
    return holder
  }
  const shed = (): string[] => log.map(([name]) => name)

  beforeEach(() => {
    log = []
    budget = new TotalInboxBudget(LIMIT)
  })

  it('adds up the memory of all holders', () => {
    const a = add('a', 1_000)
    const b = add('b', 2_000)
    a.hold(500)
    expect(budget.total_bytes).toBe(2_500)
    a.hold(0)
    b.hold(0)
    expect(budget.total_bytes).toBe(0)
  })

  it('sheds no holder up to the limit', () => {
    add('a', LIMIT)
    expect(shed()).toEqual([])
  })

  it('sheds the largest holder, then the next, until a 64th is free', () => {
    add('small', 100)
    add('large', 4_000)
    add('medium', 2_250)
    add('last', 51)
    expect(shed()).toEqual(['large'])
    const [[, error] = []] = log
    expect(error?.code).toBe('inbox_shed')
    expect(error?.message).toBe(
      'closed with 1013: what has come in from all sockets takes 6401 bytes of memory, max_total_inbox is 6400, and this socket held 4000, more than others; let callbacks finish sooner, lower max_payload, or raise the limit if there is memory',
    )
    expect(budget).toMatchObject({ total_bytes: 2_401, shed: 1 })
    for (let i = 0; i < 40; i += 1) add(`many ${i}`, 101)
    expect(shed()).toEqual(['large', 'medium'])
  })

  it('spares those from whom nothing is to be had, since their callbacks have it, or they end anyhow', () => {
    add('with callbacks', 4_000).kept = 4_000
    add('ending', 2_000).is_ending = true
    add('other', 401)
    expect(shed()).toEqual(['other'])
    expect(budget).toMatchObject({ total_bytes: 6_000, shed: 1 })
  })

  it('sheds by the memory that a holder can free, not by what it holds', () => {
    add('with a callback', 4_000).kept = 3_900
    add('waiting', 2_000)
    add('last', 401)
    expect(shed()).toEqual(['waiting'])
  })

  it('looks again for each 64th that comes in, while callbacks alone have more than the limit', () => {
    const slow = add('slow', 1)
    slow.kept = 2 * LIMIT
    slow.hold(2 * LIMIT)
    const late = [STEP, 1].map((bytes, index) => add(`late ${index}`, bytes))
    expect(shed()).toEqual(['late 0', 'late 1'])
    for (const holder of late) holder.is_ending = false
    late[0]?.hold(STEP)
    expect(shed()).toHaveLength(2)
    slow.hold(LIMIT - STEP)
    expect(budget.total_bytes).toBe(LIMIT)
    late[1]?.hold(1)
    expect(shed().slice(2)).toEqual(['late 0', 'late 1'])
  })

  it('makes all holders report each time a 64th of the limit has been received', () => {
    const reader = add('reader', 1)
    reader.read_ahead = LIMIT - STEP
    add('a', STEP - 1)
    expect(budget.total_bytes).toBe(STEP)
    add('b', 1)
    expect(shed()).toEqual(['reader'])
    expect(budget.total_bytes).toBe(STEP)
  })

  it('lets 256 KiB wait for each up to half of the limit, and then less and less, to nothing', () => {
    const holder = add('a')
    const most = [0, LIMIT / 2, (LIMIT * 3) / 4, LIMIT].map(bytes => {
      holder.hold(bytes)
      return budget.max_waiting_bytes
    })
    expect(most).toEqual([KIB_256, KIB_256, KIB_256 / 2, 0])
    holder.kept = LIMIT + 1
    holder.hold(LIMIT + 1)
    expect(budget.max_waiting_bytes).toBe(0)
  })
})
