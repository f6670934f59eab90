/** How busy those are who take part: each message comes when nothing else is to be done, or there is always something. */
export const LOADS = ['lone', 'busy'] as const

export type Load = (typeof LOADS)[number]

/** What was done: how many messages were published, came to a node from the broker, and went to a socket. */
export interface Work {
  readonly publishes: number
  readonly heard: number
  readonly deliveries: number
}

/** What nodes take for work, in microseconds of CPU time. */
export interface NodeCosts {
  readonly us_per_publish: number
  readonly us_per_heard: number
  readonly us_per_delivery: number
  /** What a node takes in a second in which nothing happens. */
  readonly idle_us_per_s: number
}

/** What something took in all, which was done for so many. */
export interface Point {
  readonly count: number
  readonly us: number
}

/** What something takes by itself, and for each that it is done for. */
export interface Line {
  readonly us_by_itself: number
  readonly us_for_each: number
}

/** The line with the least squares of what each point is off by, as a part of itself; nothing takes less than no time. */
export function fit_line(points: readonly Point[]): Line {
  // Each point says: 1 = us_by_itself · x + us_for_each · y.
  const parts = points.filter(({ us }) => us > 0).map(({ count, us }) => ({ x: 1 / us, y: count / us }))
  if (parts.length === 0) return { us_by_itself: 0, us_for_each: 0 }
  const sum = (term: (part: { x: number; y: number }) => number): number =>
    parts.reduce((total, part) => total + term(part), 0)
  const [x, y] = [sum(part => part.x), sum(part => part.y)]
  const [xx, xy, yy] = [sum(p => p.x * p.x), sum(p => p.x * p.y), sum(p => p.y * p.y)]
  const determinant = xx * yy - xy * xy
  if (determinant === 0) return { us_by_itself: x / xx, us_for_each: 0 }
  const us_by_itself = (x * yy - y * xy) / determinant
  const us_for_each = (xx * y - xy * x) / determinant
  if (us_by_itself < 0) return { us_by_itself: 0, us_for_each: y / yy }
  if (us_for_each < 0) return { us_by_itself: x / xx, us_for_each: 0 }
  return { us_by_itself, us_for_each }
}

/** What so many nodes take for work in so long, in microseconds of CPU time. */
export function predict(costs: NodeCosts, work: Work, nodes: number, elapsed_ms: number): number {
  return (
    (costs.idle_us_per_s * nodes * elapsed_ms) / 1000 +
    costs.us_per_publish * work.publishes +
    costs.us_per_heard * work.heard +
    costs.us_per_delivery * work.deliveries
  )
}
