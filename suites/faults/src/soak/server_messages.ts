import type { CloseInfo } from '@bt/net'

/** What the soak's server knows about one connection when it has ended. */
export interface ConnectionRecord {
  readonly id: number
  /** The client that it belonged to. */
  readonly client: number
  /** The numbers of the first and the last message that arrived; -1 if none did. */
  first: number
  last: number
  /** How many messages `send` accepted, and how many it returned an error for. */
  accepted: number
  rejected: number
  /** How many messages did not follow the one before. */
  out_of_order: number
  is_closed_by_server: boolean
  info: CloseInfo | undefined
}

/** What the soak's server reports. */
export type ServerEvent =
  | { readonly event: 'listening'; readonly addr: string }
  | { readonly event: 'closed'; readonly connection: ConnectionRecord }
  | {
      readonly event: 'figures'
      readonly connections: number
      readonly heap_bytes: number
      readonly rss_bytes: number
      readonly descriptors: number
      readonly shed: number
      readonly errors: Readonly<Record<string, number>>
    }

/** What the soak asks its server to do. */
export type ServerCommand = 'measure' | 'start' | 'stop'
