const HOUR_MS = 3_600_000

/** Makes the wall clock of this process jump back and forth by hours, once every `interval_ms`. */
export function jump_clock(interval_ms: number): void {
  const real_now = Date.now.bind(Date)
  let offset_ms = 0
  let jumps = 0
  const RealDate = Date
  class JumpingDate extends RealDate {
    constructor(...args: unknown[]) {
      super(...((args.length === 0 ? [JumpingDate.now()] : args) as [number]))
    }

    static override now(): number {
      return real_now() + offset_ms
    }
  }
  globalThis.Date = JumpingDate as DateConstructor
  setInterval(() => {
    jumps += 1
    offset_ms = (jumps % 2 === 0 ? 1 : -1) * (jumps % 7) * HOUR_MS
  }, interval_ms).unref()
}
