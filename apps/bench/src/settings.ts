/** A size of a message, and how many of them are under way on each connection. */
export interface SizeSetting {
  readonly bytes: number
  /** In ascending order. */
  readonly depths: readonly number[]
}

/** How much is measured. */
export interface Settings {
  /** How often everything is measured; medians are over these. */
  readonly rounds: number
  /** Rounds before those, whose figures are thrown away. */
  readonly warm_up_rounds: number
  /** How many times a figure is measured again at most, in all, because other programs took part of a core. */
  readonly most_repeats: number
  /** How many connections there are where nothing else is said. */
  readonly connections: number
  /** How many messages are under way on each. */
  readonly depths: readonly number[]
  /** How long each figure is measured. */
  readonly run_ms: number
  /** How long the load runs before that, on the same connections. */
  readonly settle_ms: number
  /** Besides 64 bytes, from small to large. */
  readonly sizes: readonly SizeSetting[]
  /** Whether echo is measured with texts of one size alone, not with bytes and mixed sizes as well. */
  readonly only_texts: boolean
  /** To how many one message is sent. */
  readonly audiences: readonly number[]
  /** To how many on another server. */
  readonly cluster_audience: number
  /** How many handshakes are under way at once. */
  readonly handshakes_at_a_time: number
  /** How many connections are held to see what memory they take, and what they cost with a message a second each. */
  readonly idle_connections: number
  /** How long messages are sent at each fixed rate. */
  readonly latency_ms: number
  /** How long each flood lasts. */
  readonly flood_ms: number
}

const KIB = 1024

/** What a full run measures. */
export const FULL: Settings = {
  rounds: 5,
  warm_up_rounds: 1,
  most_repeats: 500,
  connections: 64,
  depths: [1, 8, 32],
  run_ms: 800,
  settle_ms: 150,
  sizes: [
    { bytes: 16, depths: [1, 8] },
    { bytes: KIB, depths: [1, 8] },
    { bytes: 16 * KIB, depths: [1, 8] },
    { bytes: 256 * KIB, depths: [1, 2] },
    { bytes: KIB * KIB, depths: [1] },
  ],
  only_texts: false,
  audiences: [10, 100, 1_000, 5_000],
  cluster_audience: 1_000,
  handshakes_at_a_time: 64,
  idle_connections: 10_000,
  latency_ms: 2_000,
  flood_ms: 3_000,
}

/** What the gate is about, and no more: how echo of texts compares with `ws`. */
export const GATE: Settings = {
  ...FULL,
  sizes: [
    { bytes: KIB, depths: [8] },
    { bytes: 16 * KIB, depths: [8] },
    { bytes: 256 * KIB, depths: [2] },
    { bytes: KIB * KIB, depths: [1] },
  ],
  only_texts: true,
}

/** The same in less than a minute, to see that all is well. */
export const QUICK: Settings = {
  ...FULL,
  rounds: 2,
  warm_up_rounds: 0,
  most_repeats: 0,
  run_ms: 30,
  settle_ms: 10,
  audiences: [10, 100, 500],
  cluster_audience: 200,
  idle_connections: 300,
  latency_ms: 100,
  flood_ms: 100,
}

/** The same, with so many seconds for each figure. */
export function for_seconds(settings: Settings, seconds: number): Settings {
  const ms = seconds * 1000
  return { ...settings, run_ms: ms, latency_ms: ms, flood_ms: ms }
}
