/** How much is measured. */
export interface CapacitySettings {
  /** How often each run is made; figures are medians. */
  readonly rounds: number
  /** How long a run takes. */
  readonly run_ms: number
  /** How long one runs first that is not measured, so that code is compiled. */
  readonly settle_ms: number
  /** How long nodes do nothing, to see what that takes: a few heartbeats. */
  readonly idle_ms: number
  /** How many sockets a node has that is asked what a delivery costs. */
  readonly sockets: number
  /** How many topics are subscribed to, to see what memory they take. */
  readonly topics: readonly number[]
  /** How many sockets are held, to see what memory they take. */
  readonly idle_sockets: number
  /** How many nodes share the same work. */
  readonly node_counts: readonly number[]
  /** The work that they share. */
  readonly shared: SharedWork
}

/** Sockets in topics, spread over all nodes by chance, and what is published to these. */
export interface SharedWork {
  readonly topics: number
  readonly members: number
  /** Few, and many. */
  readonly messages_per_s: readonly number[]
}

export const FULL: CapacitySettings = {
  rounds: 3,
  run_ms: 2_000,
  settle_ms: 1_500,
  idle_ms: 10_000,
  sockets: 1_000,
  topics: [10_000, 100_000],
  idle_sockets: 10_000,
  node_counts: [1, 2, 4],
  shared: { topics: 200, members: 10, messages_per_s: [500, 3_000] },
}

/** To see that all is well. */
export const QUICK: CapacitySettings = {
  ...FULL,
  rounds: 1,
  run_ms: 200,
  settle_ms: 100,
  idle_ms: 200,
  sockets: 100,
  topics: [500, 1_000],
  idle_sockets: 300,
  node_counts: [1, 2],
  shared: { topics: 20, members: 5, messages_per_s: [300] },
}
