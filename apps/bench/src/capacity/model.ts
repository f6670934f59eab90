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

/** What a message that comes from the broker takes in all where so many sockets get it. */
export interface HeardCost {
  readonly audience: number
  readonly us: number
}

/**
 * Parts what a message takes into what it takes by itself, and for each socket that gets it: the line with the least squares of what each point
 * is off by, as a part of itself.
 */
export function fit_heard(points: readonly HeardCost[]): Pick<NodeCosts, 'us_per_heard' | 'us_per_delivery'> {
  // Each point says: 1 = us_per_heard · x + us_per_delivery · y.
  const parts = points.map(({ audience, us }) => ({ x: 1 / us, y: audience / us }))
  const sum = (term: (part: { x: number; y: number }) => number): number =>
    parts.reduce((total, part) => total + term(part), 0)
  const [x, y] = [sum(part => part.x), sum(part => part.y)]
  const [xx, xy, yy] = [sum(p => p.x * p.x), sum(p => p.x * p.y), sum(p => p.y * p.y)]
  const determinant = xx * yy - xy * xy
  return {
    us_per_heard: (x * yy - y * xy) / determinant,
    us_per_delivery: (xx * y - xy * x) / determinant,
  }
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
