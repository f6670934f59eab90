/** A message size, and the numbers of such messages in flight on each connection. */
export interface SizeSetting {
  readonly bytes: number
  /** In ascending order. */
  readonly depths: readonly number[]
}

/** How much is measured. */
export interface Settings {
  /** How many rounds are measured. The figures are medians over these rounds. */
  readonly rounds: number
  /** How many rounds come before these. Their figures are discarded. */
  readonly warm_up_rounds: number
  /** How many figures are measured again at most because other programs used part of a core. */
  readonly most_repeats: number
  /** The number of connections of most measures. */
  readonly connections: number
  /** The numbers of messages in flight on each connection. */
  readonly depths: readonly number[]
  /** How long each figure is measured. */
  readonly run_ms: number
  /** How long the load runs before that, on the same connections. */
  readonly settle_ms: number
  /** The message sizes besides 64 bytes, in ascending order. */
  readonly sizes: readonly SizeSetting[]
  /** Whether echo is measured only with texts of a single size, without bytes and mixed sizes. */
  readonly only_texts: boolean
  /** The numbers of sockets to which the fan-out sends a message. */
  readonly audiences: readonly number[]
  /** The number of sockets on another server of a cluster. */
  readonly cluster_audience: number
  /** How many handshakes run at the same time. */
  readonly handshakes_at_a_time: number
  /** The number of connections for memory, and for one message per second on each. */
  readonly idle_connections: number
  /** How long messages are sent at each fixed rate. */
  readonly latency_ms: number
  /** How long each flood lasts. */
  readonly flood_ms: number
}

const KIB = 1024

/** The settings of a full run. */
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

/** The settings of the gate, which compares only the echo of texts with `ws`. */
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

/** The settings of a run of about a minute, which checks that everything works. */
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

/** Returns the settings with that many seconds for each figure. */
export function for_seconds(settings: Settings, seconds: number): Settings {
  const ms = seconds * 1000
  return { ...settings, run_ms: ms, latency_ms: ms, flood_ms: ms }
}
