import type { ClusterNode, ClusterStats } from '@bt/net'

/** The brokers that this suite covers. */
export type BrokerKind = 'nats' | 'redis'

/** The settings of one server of a cluster. */
export interface NodeOptions {
  /** The name that its messages start with. */
  readonly name: string
  readonly kind: BrokerKind
  /** The address of its broker, with credentials if the broker requires them. */
  readonly url: string
  readonly max_cluster_queue?: number
}

/** An event that a server's process reports to its test. */
export type NodeEvent =
  | { readonly event: 'listening'; readonly addr: string }
  | { readonly event: 'error'; readonly code: string; readonly message: string; readonly at_ms: number }
  | { readonly event: 'published'; readonly topic: string; readonly messages: readonly Published[] }
  | { readonly event: 'stats'; readonly stats: ClusterStats; readonly nodes: readonly ClusterNode[] }
  | { readonly event: 'churned'; readonly heap_bytes: readonly number[] }
  | { readonly event: 'closed' }
  /** Its server has ended; the process can start another one. */
  | { readonly event: 'ended' }

/** A message that a server has published, with the result: `'accepted'`, or the code of the error. */
export interface Published {
  readonly number: number
  readonly at_ms: number
  readonly result: string
}

/** A command from a test to a server. */
export type NodeCommand =
  /** Publishes `count` numbered messages in one turn of the event loop, and reports them. */
  | { readonly command: 'publish'; readonly topic: string; readonly count: number; readonly size: number }
  /** Publishes one message to each of the topics `t0`, `t1`, … in one turn, and reports them. */
  | { readonly command: 'publish_to_each'; readonly topics: number }
  /** Publishes a numbered message every `every_ms` until `stop_stream`, which reports them. */
  | {
      readonly command: 'stream'
      readonly topic: string
      readonly size: number
      readonly every_ms: number
    }
  | { readonly command: 'stop_stream' }
  | { readonly command: 'broadcast' }
  | { readonly command: 'report_stats' }
  /** Makes its only socket join and leave topics, `times` in all, and reports the heap that is in use. */
  | { readonly command: 'churn'; readonly topics: number; readonly times: number }
  | { readonly command: 'close' }

/** A command from a test to a process: to start or end a server, or a command for that server. */
export type ProcessCommand =
  | { readonly command: 'start'; readonly options: NodeOptions }
  | { readonly command: 'end' }
  | NodeCommand

/** The sender and the number of a message. */
export interface NumberedMessage {
  readonly from: string
  readonly number: number
}

/** Formats a numbered message, padded to at least `size` characters. */
export function format_numbered({ from, number }: NumberedMessage, size: number): string {
  return `${from} ${number} `.padEnd(size, '.')
}

/** Parses the output of {@link format_numbered}; returns `undefined` for any other text. */
export function parse_numbered(text: string): NumberedMessage | undefined {
  const [, from = '', number] = /^(\w+) (\d+) \.*$/.exec(text) ?? []
  return number === undefined ? undefined : { from, number: Number(number) }
}
