import type { ServerRecord } from './ledger.js'

/** How a worker's server listens, as JSON in the first argument of the worker. */
export interface WorkerSettings {
  readonly name: string
  readonly seed: number
  readonly hold_ms: number
  /** Not 0: a worker that restarts would not get the port back from the others. */
  readonly port: number
  readonly broker: 'NATS' | 'Redis'
  readonly broker_url: string
}

/** What the ledger asks a worker to do. */
export type WorkerCommand =
  | { readonly command: 'restart'; readonly at_once: boolean }
  | { readonly command: 'stop_broadcasts' | 'close' }

/** What a worker reports. */
export type WorkerEvent =
  | { readonly event: 'listening'; readonly port: number }
  | { readonly event: 'closed'; readonly record: ServerRecord }
