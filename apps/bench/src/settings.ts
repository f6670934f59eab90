/** How much is measured. */
export interface Settings {
  /** How often everything is measured; medians are over these. */
  readonly rounds: number
  /** Rounds before those, whose figures are thrown away. */
  readonly warm_up_rounds: number
  /** How many connections there are where nothing else is said. */
  readonly connections: number
  /** How many messages are under way on each. */
  readonly depths: readonly number[]
  /** How long each figure is measured. */
  readonly run_ms: number
  /** How long the load runs before that, on the same connections. */
  readonly settle_ms: number
  /** The sizes of a message, from small to large. */
  readonly sizes_bytes: readonly number[]
  /** To how many one message is sent. */
  readonly audiences: readonly number[]
  /** To how many on another server. */
  readonly cluster_audience: number
  /** How many handshakes are under way at once. */
  readonly handshakes_at_a_time: number
  /** How many connections are held to see what memory they take. */
  readonly idle_connections: number
  /** How long messages are sent at each fixed rate. */
  readonly latency_ms: number
}

const KIB = 1024

/** What a full run measures. */
export const FULL: Settings = {
  rounds: 5,
  warm_up_rounds: 1,
  connections: 64,
  depths: [1, 8, 32],
  run_ms: 800,
  settle_ms: 150,
  sizes_bytes: [16, 64, KIB, 16 * KIB, KIB * KIB],
  audiences: [10, 100, 1_000, 5_000],
  cluster_audience: 1_000,
  handshakes_at_a_time: 64,
  idle_connections: 10_000,
  latency_ms: 2_000,
}

/** The same in less than a minute, to see that all is well. */
export const QUICK: Settings = {
  ...FULL,
  rounds: 2,
  warm_up_rounds: 0,
  run_ms: 30,
  settle_ms: 10,
  audiences: [10, 100, 500],
  cluster_audience: 200,
  idle_connections: 300,
  latency_ms: 100,
}
