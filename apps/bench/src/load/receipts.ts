import { cpu_us, now_us } from '../process/commands.js'
import { quantile } from '../statistics.js'
import { message_bytes, type Shape } from '../wire/message.js'
import type { ClientGroup, LoadResult } from './client_group.js'

/** How long messages took from publishing until each socket had received them. */
export interface ReceiptTimes {
  readonly p50_us: number
  readonly p99_us: number
}

/** Counts and times the messages of one shape that the connections of a group receive from now on. */
export class Receipts {
  readonly #start_us: number = now_us()
  readonly #start_cpu_us: number = cpu_us()
  /** When each socket received its messages, in order. */
  readonly #times_us: number[][]
  #total = 0
  #awaited = Number.POSITIVE_INFINITY
  #settle = (): void => {}
  readonly #lost: Promise<never>

  constructor(group: ClientGroup, shape: Shape) {
    const each_bytes = message_bytes(shape, group.target.dialect, 'server').length
    this.#lost = Promise.race(group.sockets.map(({ closed }) => closed)).then(() => {
      throw new Error('a connection was closed while messages were due')
    })
    // The rejection is handled by `all`, which may never be called.
    this.#lost.catch(() => {})
    this.#times_us = group.sockets.map(socket => {
      const times_us: number[] = []
      let bytes = 0
      socket.on_bytes = ({ length }) => {
        const at_us = now_us()
        for (bytes += length; bytes >= each_bytes; bytes -= each_bytes) {
          times_us.push(at_us)
          this.#total += 1
        }
        if (this.#total >= this.#awaited) this.#settle()
      }
      return times_us
    })
  }

  /**
   * Resolves when all sockets together have received `total` messages, with the CPU time of receiving them.
   */
  async all(total: number): Promise<LoadResult & { load_cpu_us: number }> {
    const received = new Promise<void>(resolve => {
      this.#awaited = total
      this.#settle = resolve
      if (this.#total >= total) resolve()
    })
    await Promise.race([received, this.#lost])
    if (this.#total > total) throw new Error(`${this.#total} messages have come where ${total} were due`)
    return {
      messages: total,
      elapsed_ms: (now_us() - this.#start_us) / 1000,
      load_cpu_us: cpu_us() - this.#start_cpu_us,
    }
  }

  /**
   * Returns the times from publishing to receipt, without the messages before index `first`. Every socket has
   * to have received every message.
   */
  times(published_us: readonly number[], first: number): ReceiptTimes {
    const took_us = this.#times_us.flatMap(times_us =>
      times_us.slice(first).map((at_us, index) => at_us - (published_us[first + index] as number)),
    )
    const sorted = Float64Array.from(took_us).sort()
    return { p50_us: quantile(sorted, 0.5), p99_us: quantile(sorted, 0.99) }
  }
}
