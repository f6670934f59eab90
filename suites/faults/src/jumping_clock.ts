const HOUR_MS = 3_600_000

/** Lets the wall clock of this process jump by hours, back and forth, every so many milliseconds, for ever. */
export function jump_clock(every_ms: number): void {
  const real_now = Date.now.bind(Date)
  let offset_ms = 0
  let jumps = 0
  const RealDate = Date
  class JumpingDate extends RealDate {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [JumpingDate.now()] : given) as [number]))
    }

    static override now(): number {
      return real_now() + offset_ms
    }
  }
  globalThis.Date = JumpingDate as DateConstructor
  setInterval(() => {
    jumps += 1
    offset_ms = (jumps % 2 === 0 ? 1 : -1) * (jumps % 7) * HOUR_MS
  }, every_ms).unref()
}
