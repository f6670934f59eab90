/** What all processes of a machine read the same: the time since some moment before they started, in microseconds. */
export function now_us(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}
