import type { ClusterNode, ClusterStats } from '@bt/net'

/** How a server is to be started. */
export interface NodeOptions {
  /** Its name, which its messages begin with. */
  readonly name: string
  readonly kind: 'nats' | 'redis'
  /** Where its broker is, with credentials where it wants some. */
  readonly url: string
  readonly max_cluster_queue?: number
}

/** What a server's process tells its test. */
export type Told =
  | { readonly event: 'listening'; readonly addr: string }
  | { readonly event: 'error'; readonly code: string; readonly message: string; readonly at_ms: number }
  | { readonly event: 'published'; readonly topic: string; readonly messages: readonly Published[] }
  | { readonly event: 'stats'; readonly stats: ClusterStats; readonly nodes: readonly ClusterNode[] }
  | { readonly event: 'churned'; readonly heap_bytes: readonly number[] }
  | { readonly event: 'closed' }
  /** Its server is gone; the process can have another one. */
  | { readonly event: 'ended' }

/** A message that a server has published, and what came of it: `'taken'`, or the code of the error. */
export interface Published {
  readonly number: number
  readonly at_ms: number
  readonly result: string
}

/** What a test orders a server to do. */
export type Order =
  /** Publishes so many numbered messages in one turn, and tells. */
  | { readonly do: 'publish'; readonly topic: string; readonly count: number; readonly size: number }
  /** Publishes one message to each of the topics `t0`, `t1`, …, in one turn, and tells. */
  | { readonly do: 'publish_to_each'; readonly topics: number }
  /** Publishes a numbered message every so often, until it is told to stop; then it tells. */
  | { readonly do: 'stream'; readonly topic: string; readonly size: number; readonly every_ms: number }
  | { readonly do: 'stop_stream' }
  | { readonly do: 'broadcast' }
  | { readonly do: 'tell_stats' }
  /** Has its one socket join and leave so many topics, that often in all, and tells the heap in use before, halfway and after. */
  | { readonly do: 'churn'; readonly topics: number; readonly times: number }
  | { readonly do: 'close' }

/** What a process is sent: the start and the end of a server, and orders for it in between. */
export type Instruction =
  | { readonly do: 'start'; readonly options: NodeOptions }
  | { readonly do: 'end' }
  | Order

/** A numbered message. */
export interface Numbered {
  readonly from: string
  readonly number: number
}

/** Writes a numbered message of at least that size. */
export function write_numbered({ from, number }: Numbered, size: number): string {
  return `${from} ${number} `.padEnd(size, '.')
}

/** Reads what {@link write_numbered} has written; `undefined` for something else. */
export function read_numbered(text: string): Numbered | undefined {
  const [, from = '', number] = /^(\w+) (\d+) \.*$/.exec(text) ?? []
  return number === undefined ? undefined : { from, number: Number(number) }
}
